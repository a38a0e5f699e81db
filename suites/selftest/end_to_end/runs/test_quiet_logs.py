"""What libraries log of their requests gets into none of pytest's log sinks; what others log is cleaned."""

from pathlib import Path
from urllib.parse import quote

import pytest

from suites.selftest.support.gate_runs import Rehearsal, rehearse
from suites.selftest.support.stub_server import stub_service

SECRET = "s3cr3t/planted key"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqd3RwbGFudGVkIn0.c2lnbmF0dXJl"
PLANTED = ("zqf", "s3cr3t", "jwtplanted", "5550142", "::set-output")
TALKATIVE = """
import logging
import httpx, httpcore, psycopg, elastic_transport, urllib3

def test_requests(recorder, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "psycopg", "elastic_transport", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    with httpx.Client(headers={"Authorization": "Bearer " + JWT, "X-Zqf": "Zqf Janet"}) as client:
        client.get(URL + "?first_name=Zqf&token=" + SECRET)
    for name in ("httpcore.connection", "psycopg.pool", "elastic_transport.node", "urllib3.connectionpool"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.error("GET /?name=Zqf&key=%s", SECRET)
    other = logging.getLogger("another")
    other.error("::set-output name=verdict::GO")
    for text in (ENCODED, SECRET, "Bearer " + JWT):
        other.error("it was %s", text)
        other.error(text)
    try:
        raise ValueError("Zqf Janet")
    except ValueError:
        other.exception("it failed")
    assert not [record for record in caplog.records if record.name != "another"]
    assert "it failed" in caplog.text
    for number in range(3):
        recorder.writer.append(sample(number))
"""


def _run(tmp_path: Path, *options: str) -> Rehearsal:
    with stub_service() as server:
        encoded = quote(f"Bearer {JWT} +49 30 5550142 zqf@private.example {SECRET}", safe="")
        text = f"URL, JWT, SECRET, ENCODED = {server.url!r}, {JWT!r}, {SECRET!r}, {encoded!r}\n"
        return rehearse(tmp_path, text + TALKATIVE, *options, secrets=(SECRET,))


@pytest.mark.parametrize(
    "options",
    [
        ("--log-level=DEBUG", "-rA"),
        ("-o", "log_cli=true", "--log-cli-level=DEBUG"),
        ("--log-file=run.log", "--log-file-level=DEBUG"),
        ("--junitxml=y.xml", "-o", "junit_logging=all", "--log-level=DEBUG", "-o", "junit_log_passing_tests=true"),
        ("-n", "1", "--log-level=DEBUG", "-rA"),
    ],
    ids=["captured", "log_cli", "log-file", "junit_logging", "a-worker"],
)
def test_no_log_sink_gets_anything_planted(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = _run(tmp_path, *options)

    files = {path: path.read_bytes().decode(errors="replace").lower() for path in tmp_path.rglob("*") if _written(path)}
    places = {str(path.relative_to(tmp_path)): text for path, text in files.items()} | {"printed": run.printed.lower()}
    assert not [incident for incident in run.verdict["incidents"] if "could not be asked" in incident]
    assert any("it was" in text for text in places.values()), "something was logged"
    assert [f"{place}: {planted}" for place, text in places.items() for planted in PLANTED if planted in text] == []


def _written(path: Path) -> bool:
    return path.is_file() and path.suffix not in (".py", ".pyc", ".toml")
