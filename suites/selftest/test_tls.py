"""TLS against a real server: trusted by a CA of one's own, refused without it, known by a certificate."""

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme

from fixtures.clients.elasticsearch import Index, IndexUnreachable
from fixtures.clients.process_memory import ProcessMemory
from fixtures.contracts.contract import load
from fixtures.session import handshake
from fixtures.settings import tls
from fixtures.settings.settings import IDENTITY, SettingsError, from_values
from fixtures.settings.tls import TlsIdentity
from fixtures.transport.http import HttpClient, Reply
from fixtures.transport.rate_limiter import RateLimiter
from suites.selftest.strangers import JSON, Said, Stranger, stranger

TOLD = {
    "CONTACT360_BASE_URL": "https://contact360.example",
    "CONTACT360_TOKEN": "token-4711",
    "CONNECTRA_BASE_URL": "https://connectra.example",
    "CONNECTRA_API_KEY": "key-4711",
    "DATABASE_URL": "postgresql://verifier:sesame-4711@db.example/contact360",
}
ENGINE: Said = (200, {**JSON, "X-Elastic-Product": "Elasticsearch"}, b'{"version": {"number": "8.19.0"}}')
METRICS: Said = (200, {"Content-Type": "text/plain"}, b"process_resident_memory_bytes 2097152\n")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem and foreign.pem (authorities), client.pem and client.key, sealed.key (with a passphrase)."""
    folder = tmp_path_factory.mktemp("tls")
    ca, foreign = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    foreign.cert_pem.write_to_path(folder / "foreign.pem")
    for name, issuer in (("client", ca), ("stranger", foreign)):
        issued = issuer.issue_cert("gate@example.org")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    ca.issue_cert("elsewhere.example").private_key_and_cert_chain_pem.write_to_path(folder / "elsewhere.pem")
    (folder / "sealed.key").write_bytes(_sealed((folder / "client.key").read_bytes()))
    (folder / "empty.pem").write_text("nothing\n")
    return folder


def _sealed(key: bytes) -> bytes:
    from cryptography.hazmat.primitives import serialization

    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    return serialization.load_pem_private_key(key, None).private_bytes(
        *form, serialization.BestAvailableEncryption(b"sesame")
    )


def _server(files: Path, *, certificate: str = "server.pem", wants_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / certificate)
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files / "ca.pem")
    return context


@pytest.fixture
def service(files: Path) -> Iterator[Stranger]:
    with stranger(context=_server(files)) as found:
        yield found


@pytest.fixture
def guarded(files: Path) -> Iterator[Stranger]:
    """It wants to know who asks."""
    with stranger(context=_server(files, wants_client=True)) as found:
        yield found


def _asked(tmp_path: Path, url: str, identity: TlsIdentity, side: str = "backend") -> Reply:
    verify, pace = identity.context(), RateLimiter(tmp_path, None)
    with closing(HttpClient(url, side=side, pace=pace, timeout_s=5, trust_env=False, verify=verify)) as wire:
        return wire.ask("GET", "/health")


def _identity(files: Path, **names: str) -> TlsIdentity:
    return TlsIdentity(prefix="CONTACT360", **{name: str(files / file) for name, file in names.items()})


def test_a_ca_of_ones_own_is_trusted(files: Path, tmp_path: Path, service: Stranger) -> None:
    assert _asked(tmp_path, service.url, _identity(files, ca_bundle="ca.pem")).ok


@pytest.mark.parametrize("trusting", [{}, {"ca_bundle": "foreign.pem"}], ids=["the-usual", "another"])
def test_a_stranger_gets_no_request_and_the_way_out_is_named(
    files: Path, tmp_path: Path, service: Stranger, trusting: Mapping[str, str]
) -> None:
    reply = _asked(tmp_path, service.url, _identity(files, **trusting))

    assert reply.answer.error == "tls"
    assert "its certificate is not trusted" in reply.said
    assert "CONTACT360_CA_BUNDLE" in reply.said
    assert service.asked == []


@pytest.mark.parametrize("side", tls.PREFIXES)
def test_the_way_out_is_the_services_own_setting(tmp_path: Path, service: Stranger, side: str) -> None:
    said = _asked(tmp_path, service.url, TlsIdentity(prefix="X"), side).said

    assert re.findall(r"\w+_CA_BUNDLE", said) == [f"{tls.PREFIXES[side]}_CA_BUNDLE"]
    assert f"{tls.PREFIXES[side]}_CA_BUNDLE" in IDENTITY


def test_a_certificate_for_another_host_is_refused(files: Path, tmp_path: Path) -> None:
    with stranger(context=_server(files, certificate="elsewhere.pem")) as service:
        reply = _asked(tmp_path, service.url, _identity(files, ca_bundle="ca.pem"))

    assert (reply.answer.error, service.asked) == ("tls", [])
    assert "another host's" in reply.said


def test_who_shows_a_certificate_is_let_in(files: Path, tmp_path: Path, guarded: Stranger) -> None:
    known = _identity(files, ca_bundle="ca.pem", client_cert="client.pem", client_key="client.key")

    assert _asked(tmp_path, guarded.url, known).ok


@pytest.mark.parametrize("name", ["", "stranger"], ids=["none", "a-strangers"])
def test_who_shows_none_or_the_wrong_one_is_told_what_to_set(
    files: Path, tmp_path: Path, guarded: Stranger, name: str
) -> None:
    shown = {"client_cert": f"{name}.pem", "client_key": f"{name}.key"} if name else {}

    reply = _asked(tmp_path, guarded.url, _identity(files, ca_bundle="ca.pem", **shown))

    assert (reply.answer.error, guarded.asked) == ("tls", [])
    assert "CONTACT360_CLIENT_CERT and CONTACT360_CLIENT_KEY" in reply.said


def test_tls_where_none_is_spoken_is_told(tmp_path: Path) -> None:
    with stranger() as plain:
        reply = _asked(tmp_path, plain.url.replace("http://", "https://"), TlsIdentity(prefix="X"))

    assert (reply.answer.error, reply.said) == ("tls", "it does not speak TLS: is it http://?")


def test_first_contact_says_the_way_out(files: Path, tmp_path: Path, service: Stranger) -> None:
    with closing(HttpClient(service.url, side="backend", pace=RateLimiter(tmp_path, None), trust_env=False)) as wire:
        backend = SimpleNamespace(wire=wire)
        with pytest.raises(
            handshake.TargetUnreachable, match=r"does not answer: its certificate is not trusted.*_CA_BUNDLE"
        ):
            handshake._backend(backend, load("guide"), "CONTACT360_BASE_URL")


def test_elasticsearch_is_verified_too_and_knows_us_by_an_api_key(files: Path) -> None:
    trusting = TlsIdentity(prefix="ELASTICSEARCH", ca_bundle=str(files / "ca.pem")).context()

    with (
        stranger(lambda number, path: ENGINE, _server(files)) as service,
        closing(Index(service.url, api_key="a2V5", verify=trusting)) as index,
        closing(Index(service.url)) as trusting_nobody,
    ):
        assert index.version() == "8.19.0"
        with pytest.raises(IndexUnreachable, match=r"not trusted.*ELASTICSEARCH_CA_BUNDLE"):
            trusting_nobody.version()

    (only,) = service.asked
    assert only[2]["Authorization"] == "ApiKey a2V5"


def test_the_backends_metrics_are_read_by_the_same_ca(files: Path) -> None:
    with stranger(lambda number, path: METRICS, _server(files)) as service:
        trusting = _identity(files, ca_bundle="ca.pem").context()
        seen = [ProcessMemory(None, service.url, verify).megabytes() for verify in (trusting, None)]

    assert seen == [2.0, None]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"CONTACT360_CA_BUNDLE": "absent.pem"}, "CONTACT360_CA_BUNDLE=.*absent.pem: can't be read: No such file"),
        ({"CONNECTRA_CA_BUNDLE": "empty.pem"}, "CONNECTRA_CA_BUNDLE=.*: holds no certificates"),
        ({"CONNECTRA_CLIENT_KEY": "client.key"}, "without CONNECTRA_CLIENT_CERT"),
        ({"CONNECTRA_CLIENT_CERT": "client.pem"}, "CONNECTRA_CLIENT_CERT and CONNECTRA_CLIENT_KEY can't be used"),
        ({"CONTACT360_CLIENT_CERT": "client.pem", "CONTACT360_CLIENT_KEY": "stranger.key"}, "no certificate with its"),
        ({"CONTACT360_CLIENT_CERT": "client.pem", "CONTACT360_CLIENT_KEY": "sealed.key"}, "the key has a passphrase"),
    ],
    ids=["absent", "empty", "key-alone", "no-key", "another-key", "sealed"],
)
def test_a_file_that_can_not_be_used_is_told_before_anybody_is_asked(
    files: Path, values: Mapping[str, str], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        from_values({**TOLD, **{name: str(files / file) for name, file in values.items()}}, "live")


def test_an_api_key_is_a_secret_and_stands_alone() -> None:
    engine = {"ELASTICSEARCH_HOST": "https://es.example", "ELASTICSEARCH_API_KEY": "a2V5LTQ3MTE="}

    settings = from_values({**TOLD, **engine}, "live")

    assert "a2V5LTQ3MTE=" in settings.secrets()
    assert "a2V5LTQ3MTE=" not in repr(settings) + repr(settings.described())
    with pytest.raises(SettingsError, match="give one of them"):
        from_values({**TOLD, **engine, "ELASTICSEARCH_USERNAME": "u"}, "live")


def test_nothing_switches_verification_off(checkout: Path) -> None:
    sources = {path: path.read_text() for part in ("fixtures", "reports") for path in (checkout / part).rglob("*.py")}
    off = r"verify\s*=\s*False|verify_certs\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|_create_unverified_context"

    assert [path.name for path, text in sources.items() if re.search(off, text)] == []


def test_a_context_of_ours_verifies(files: Path) -> None:
    context = _identity(files, ca_bundle="ca.pem").context()

    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
