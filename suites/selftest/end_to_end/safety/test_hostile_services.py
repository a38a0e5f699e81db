"""Services that plant names wherever an answer can hold text: none gets into an artefact, a log or a message."""

import csv
import io
import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.export_parity import __main__ as export_parity
from suites.benchmarks import export_files
from suites.selftest.support import warm_python
from suites.selftest.support.damaging_proxy import Damage, DamagedReply, between
from suites.selftest.support.pytest_runs import env_file, environment, run
from suites.selftest.support.stub_server import stub_service

NAME, WORDS = "Zqfjanet Okwuosa", ("zqfjanet", "okwuosa")
STRUCTURE = ("uuid", "id", "job_id", "export_id", "status", "state", "type", "filename", "message", "detail", "error")
BACKEND = ("/health", "/api/v1/h", "/api/v1/c", "/api/v1/e", "/api/v2/", "/media", "/static")  # all but the login
SEARCHES = ("/contacts_index/", "/companies_index/", "/_search", "/_mget", "/_pit")
RUNS: Mapping[str, Sequence[str]] = {
    "records": ("-m", "phase1 or phase2"),
    "exports": ("-m", "phase3", "-n", "2"),
    "linkedin": ("-m", "phase4"),
    "around": ("-m", "phase0 or rollback or availability"),
}


@contextmanager
def behind(values: Mapping[str, str], damage: Damage, path: Path) -> Iterator[Path]:
    """The settings of a target whose services are asked through proxies that damage their answers."""
    engine = f"http://{values['ELASTICSEARCH_HOST']}:{values['ELASTICSEARCH_PORT']}"
    upstreams = {
        "CONTACT360_BASE_URL": (values["CONTACT360_BASE_URL"], BACKEND),
        "CONNECTRA_BASE_URL": (values["CONNECTRA_BASE_URL"], ("/",)),
        "ELASTICSEARCH_HOST": (engine, SEARCHES),
    }
    with ExitStack() as opened:
        proxies = {name: opened.enter_context(between(*upstream)) for name, upstream in upstreams.items()}
        for proxy in proxies.values():
            proxy.damage = damage
        port = proxies["ELASTICSEARCH_HOST"].url.rpartition(":")[2]
        changed = {name: proxy.url for name, proxy in proxies.items()}
        changed |= {"ELASTICSEARCH_HOST": "127.0.0.1", "ELASTICSEARCH_PORT": port}
        yield env_file(path, {**values, **changed})


def _everywhere(change: Callable[[str, Any], Any]) -> Damage:
    """Every value of an answer in JSON, as `change` makes it; of a sheet, its cells."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(change(key, inner)) for key, inner in value.items()}
        return [walk(inner) for inner in value] if isinstance(value, list) else value

    def damage(reply: DamagedReply) -> DamagedReply:
        try:
            return reply.saying(walk(json.loads(reply.body)))
        except ValueError:
            return replace(reply, body=_sheet(reply.body, change))

    return damage


def _sheet(body: bytes, change: Callable[[str, Any], Any]) -> bytes:
    rows = list(csv.reader(io.StringIO(body.decode(errors="replace"))))
    if len(rows) < 2:
        return body
    text = io.StringIO()
    csv.writer(text).writerows(
        [rows[0], *([change(name, cell) for name, cell in zip(rows[0], row, strict=False)] for row in rows[1:])]
    )
    return text.getvalue().encode()


def _keys(reply: DamagedReply) -> DamagedReply:
    """A name as a key of every object, as a column of every sheet."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{key: walk(inner) for key, inner in value.items()}, NAME: 1}
        return [walk(inner) for inner in value] if isinstance(value, list) else value

    try:
        return reply.saying(walk(json.loads(reply.body)))
    except ValueError:
        lines = reply.body.split(b"\n")
        return replace(reply, body=b"\n".join([lines[0].rstrip(b"\r") + f",{NAME}".encode(), *lines[1:]]))


def _headers(reply: DamagedReply) -> DamagedReply:
    """A name as the name of a header, and in those that say who served, what it is, and what a file is called."""
    names = ("x-served-by", "x-data-source", "server", "via", "etag", "retry-after", "age", "cache-control", "location")
    planted = {**dict.fromkeys(names, NAME), f"x-{NAME.replace(' ', '-')}": NAME}
    planted |= {"content-disposition": f'attachment; filename="{NAME}.csv"'}
    return replace(reply, headers={**reply.headers, **planted})


def _errors(reply: DamagedReply) -> DamagedReply:
    """A failure whose words are a name: as JSON, as the engine says it, and as a page of a proxy."""
    engine = {"type": NAME, "reason": NAME, "root_cause": [{"type": NAME, "index": NAME}]}
    body = {"detail": NAME, "message": NAME, "error": engine, NAME: [NAME], "status": 400}
    if len(reply.body) % 2:
        page = f"<html><title>{NAME}</title><body>{NAME}</body></html>".encode()
        return replace(reply, status=502, body=page, headers={**reply.headers, "content-type": "text/html"})
    return replace(reply.saying(body), status=400)


PLANTS: Mapping[str, Damage] = {
    "keys": _keys,
    "values": _everywhere(
        lambda key, value: f"{value} {NAME}" if isinstance(value, str) and key not in STRUCTURE else value
    ),
    "ids and states": _everywhere(
        lambda key, value: f"{value} {NAME}" if isinstance(value, str) and key in STRUCTURE else value
    ),
    "headers": _headers,
    "errors": _errors,
}


class Planting:
    """A damage that plants into a share of the answers, so that some of a run goes on; counts what it planted.

    First contact gets no error and no other state, or there would be no run.
    """

    FIRST, LATER = ("keys", "values", "headers"), tuple(PLANTS)
    CONTACT = 12  # answers, of all services

    def __init__(self, seed: str, share: float = 0.5) -> None:
        self._source = random.Random(seed)
        self._share = share
        self.planted = Counter[str]()

    def __call__(self, reply: DamagedReply) -> DamagedReply:
        plants = self.FIRST if self.planted.total() < self.CONTACT else self.LATER
        plant = self._source.choice(plants) if self._source.random() < self._share else "none"
        self.planted[plant] += 1
        return PLANTS[plant](reply) if plant in PLANTS else reply


def _leaks(folder: Path, **printed: str) -> list[str]:
    """Every place in which a planted name stands: files of the folder, their names, and what was printed or sent."""
    places = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    places |= {f"name of {place}": place.encode() for place in places}
    places |= {name: text.encode() for name, text in printed.items()}
    return [
        f"{place}: {planted}" for place, text in places.items() for planted in WORDS if planted.encode() in text.lower()
    ]


def _sinks(folder: Path, notes: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Options and settings of a run that writes to all it can write to, into the folder."""
    options = (
        *("-v", "-rA", "--showlocals", "--log-file", str(folder / "pytest.log"), "--log-file-level", "DEBUG"),
        *("-o", "log_cli=true", "--junitxml", str(folder / "j.xml"), "-o", "junit_logging=all", "--log-level", "DEBUG"),
        *("--history", str(folder / "history")),
    )
    github = {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_OUTPUT": str(folder / "output")}
    github |= {"GITHUB_STEP_SUMMARY": str(folder / "step.md")}
    return options, {**github, "GATE_WEBHOOK": f"{notes}/hook", "GATE_PUSHGATEWAY": notes, "NO_PROXY": "*"}


def _ask(checkout: Path, calm: Mapping[str, str], folder: Path, seed: str, *options: str) -> list[str]:
    """A run through planting proxies; returns the leaks. Requires that it was planted and that all sinks were used."""
    planting, out = Planting(seed), folder / "out"
    limits = ("--max-rps", "500", "--stop-after", "0", "--allow-cost", "100000", "--seed", "7", "--samples", "4")
    with behind(calm, planting, folder / "live.env") as env, stub_service() as notes:
        out.mkdir()
        sinks, settings = _sinks(out, notes.url)
        arguments = ("--env-file", str(env), *limits, *sinks, *options)
        imported = {"PYTHONPATH": str(warm_python.CHECKOUT)}  # all but the gates
        completed = run(checkout, out, *arguments, extra=settings | imported, timeout_s=500)

    written = {path.name for path in (out / "latest").iterdir()} | {path.name for path in out.iterdir()}
    assert completed.code in (1, 6), completed.printed[-3000:]
    assert {"keys", "none"} < set(planting.planted), completed.printed[-3000:]
    assert len(planting.planted) > len(PLANTS) / 2, completed.printed[-3000:]
    assert {"summary.html", "summary.md", "verdict.json", "metrics.prom", "junit.xml", "allure-results"} <= written
    assert {"evidence", "pytest.log", "output", "step.md", "history"} <= written
    assert "::error" in completed.printed or "::warning" in completed.printed, "annotations of GitHub"
    assert {method for method, _, _ in notes.requests} >= {"POST", "PUT"}, "a message and metrics"
    return _leaks(out, printed=completed.printed, sent="\n".join(body.decode() for body in notes.bodies))


@pytest.mark.drill
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", RUNS)
def test_a_planted_name_gets_into_no_artefact(
    impatient: Path, tmp_path: Path, calm: Mapping[str, str], name: str
) -> None:
    assert _ask(impatient, calm, tmp_path, name, *RUNS[name]) == []


def test_a_planted_name_gets_into_no_artefact_of_a_small_run(
    impatient: Path, tmp_path: Path, calm: Mapping[str, str]
) -> None:
    assert _ask(impatient, calm, tmp_path, "small", "-m", "phase1", "-k", "contact-endpoint or contact-connectra") == []


COMMANDS = {
    "fixtures.contracts": ("probe", "--draft", "OUT/draft.toml"),
    "fixtures.index_parity": ("--state", "OUT/state"),
}


@pytest.mark.drill
@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_no_planted_name(
    checkout: Path, tmp_path: Path, calm: Mapping[str, str], name: str, plant: str
) -> None:
    """From a twentieth of all answers on, up to all of them."""
    out = tmp_path / "out"
    out.mkdir()
    for share in (0.05, 0.5, 1.0):
        source = random.Random(f"{name} {plant} {share}")

        def damage(reply: DamagedReply, share: float = share, source: random.Random = source) -> DamagedReply:
            return PLANTS[plant](reply) if source.random() < share else reply

        with behind(calm, damage, tmp_path / "live.env") as env:
            arguments = [argument.replace("OUT", str(out)) for argument in COMMANDS[name]]
            completed = _command(checkout, out, name, *arguments, "--env-file", str(env))

        assert completed.returncode in (0, 1, 4, 6), completed.stdout + completed.stderr
        assert "Traceback" not in completed.stderr
        assert _leaks(out, printed=completed.stdout + completed.stderr) == []


def _command(checkout: Path, out: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return warm_python.run(name, *arguments, cwd=checkout, env=environment({"TMPDIR": str(out)}))


@pytest.mark.drill
@pytest.mark.parametrize("plant", ["keys", "values", "keys of rows"])
def test_an_export_with_planted_names_shows_none(
    checkout: Path, tmp_path: Path, calm: Mapping[str, str], plant: str
) -> None:
    """A file whose columns, cells or keys are names."""
    kind, file, out = export_parity._kinds("guide", "contacts")["contacts"], tmp_path / "export.csv", tmp_path / "out"
    out.mkdir()
    export_files.write(calm["DATABASE_URL"], kind, file)
    rows = _everywhere(lambda column, value: NAME if column == kind.key else value)
    damage = {**PLANTS, "keys of rows": rows}[plant]
    file.write_bytes(damage(DamagedReply(status=200, headers={}, body=file.read_bytes())).body)
    arguments = (str(file), "--kind", "contacts", "--out", str(out / "differences.jsonl"))

    completed = _command(
        checkout, out, "fixtures.export_parity", *arguments, "--env-file", str(env_file(tmp_path / "e", calm))
    )

    assert completed.returncode in (1, 4), completed.stdout + completed.stderr
    assert _leaks(out, printed=completed.stdout + completed.stderr) == []
