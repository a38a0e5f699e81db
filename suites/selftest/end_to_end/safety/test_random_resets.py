"""Connections that are reset at random moments: the run ends with a verdict, and books it on the connection."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest

from suites.selftest.support.pytest_runs import CompletedRun, env_file, run
from suites.selftest.support.resetting_proxy import ResettingProxy, resetting

URLS = {
    "backend": ("CONTACT360_BASE_URL",),
    "connectra": ("CONNECTRA_BASE_URL",),
    "postgres": ("DATABASE_URL", "LOGS_DATABASE_URL"),
}
SERVICES = (*URLS, "elasticsearch")
CODES = {"GO": 0, "NO-GO": 1, "HOLD": 6}
REACHED_NOT = {"DatabaseUnreachable", "IndexUnreachable", "NoToken"}  # what a test may end with
OF_FAILURES = ("error-rate", "fallback", "success", "availability", "latency")  # what a reset may count against


@contextmanager
def reset_between(
    values: Mapping[str, str], path: Path, services: tuple[str, ...], **how: Any
) -> Iterator[tuple[Path, list[ResettingProxy]]]:
    """The settings of a target whose connections to these services are reset."""
    changed, proxies = dict(values), []
    with ExitStack() as opened:

        def before(address: tuple[str, int], service: str) -> ResettingProxy:
            proxies.append(opened.enter_context(resetting(address, **{**how, "seed": f"{how['seed']} {service}"})))
            return proxies[-1]

        for service in services:
            for name in (name for name in URLS.get(service, ()) if name in values):
                parts = urlsplit(values[name])
                port = before((str(parts.hostname), int(parts.port or 0)), service).port
                place = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}".lstrip("@")
                changed[name] = urlunsplit(parts._replace(netloc=place))
            if service == "elasticsearch":
                address = values["ELASTICSEARCH_HOST"], int(values["ELASTICSEARCH_PORT"])
                changed |= {"ELASTICSEARCH_HOST": "127.0.0.1", "ELASTICSEARCH_PORT": str(before(address, service).port)}
        yield env_file(path, changed), proxies


def _run(checkout: Path, folder: Path, env: Path, phases: str, samples: int) -> CompletedRun:
    limits = ("--max-rps", "500", "--seed", "7", "--samples", str(samples))
    return run(checkout, folder / "out", "--env-file", str(env), "-m", phases, *limits, timeout_s=240)


def _leftovers(folder: Path) -> list[str]:
    """Processes that have the folder in their command."""
    commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if str(folder) in command]


def _wrongly_missed(verdict: Mapping[str, Any]) -> list[str]:
    """Criteria that were missed, other than those that count failures: a reset shows no wrong record."""
    findings = [finding for phase in verdict["phases"].values() for finding in phase["findings"]]
    missed = [finding["criterion"] for finding in findings if finding["outcome"] == "missed"]
    return [name for name in missed if not any(part in name for part in OF_FAILURES)]


def _require_verdict(completed: CompletedRun, folder: Path) -> None:
    assert "Traceback" not in completed.printed
    assert "INTERNALERROR" not in completed.printed
    assert _leftovers(folder) == []
    assert completed.code == CODES[completed.verdict["verdict"]], completed.printed[-3000:]
    assert completed.verdict["verdict"] != "GO"
    assert _wrongly_missed(completed.verdict) == [], completed.printed[-3000:]
    errors = {incident.rpartition(": ")[2] for incident in completed.verdict["incidents"] if "not be asked" in incident}
    assert errors <= REACHED_NOT, "an error of our own"


@pytest.mark.drill
@pytest.mark.timeout(600)
@pytest.mark.parametrize("share", [0.02, 0.2], ids=["few", "many"])
@pytest.mark.parametrize("services", [*((service,) for service in SERVICES), SERVICES], ids=" ".join)
def test_random_resets_end_in_a_verdict(
    impatient: Path, tmp_path: Path, calm: Mapping[str, str], services: tuple[str, ...], share: float
) -> None:
    """After first contact: so many chunks go through. Elasticsearch is asked seldom, so that its share is larger."""
    seldom = services == ("elasticsearch",)
    how = {"seed": f"{services} {share}", "share": 4 * share if seldom else share, "spared": 30 if seldom else 150}
    with reset_between(calm, tmp_path / "live.env", services, **how) as (env, proxies):
        completed = _run(impatient, tmp_path, env, "phase1 or phase2", 16)

    assert sum(proxy.resets for proxy in proxies) > 0
    _require_verdict(completed, tmp_path)
    if not set(services) & {"backend", "connectra"}:
        assert completed.verdict["verdict"] == "HOLD", "what we could not read says nothing against the service"


@pytest.mark.drill
@pytest.mark.parametrize("service", SERVICES)
def test_first_contact_that_is_reset_is_a_hold(
    checkout: Path, tmp_path: Path, calm: Mapping[str, str], service: str
) -> None:
    with reset_between(calm, tmp_path / "live.env", (service,), seed="first", share=1.0) as (env, _):
        completed = _run(checkout, tmp_path, env, "phase1", 4)

    assert completed.code == 6, completed.printed[-3000:]
    if service == "elasticsearch":  # a phase can do without it: the run goes on, and says that it was not reached
        assert completed.verdict["verdict"] == "HOLD"
        assert completed.verdict["incidents"]
    else:
        assert len(completed.errors()) == 1, completed.printed[-3000:]
    assert "Traceback" not in completed.printed
    assert _leftovers(tmp_path) == []
