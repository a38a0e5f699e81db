"""Coverage-guided fuzzing of what takes foreign bytes: `tox -e fuzz`, or `-- --seconds 600 log` for one of them.

Each target runs in a process of its own, because libFuzzer ends it. A target states what holds of any bytes at all;
an exception of any other kind, or ten seconds over one input, is a finding, and the input that caused it is kept.
Hypothesis does the same in every self-test, with trees that were right once (`test_fuzz.py`): this one
finds its way through parsers byte by byte, and needs longer.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import atheris

with redirect_stderr(io.StringIO()), atheris.instrument_imports(include=["fixtures", "reports", "tomllib", "csv"]):
    from fixtures.checks.linkedin import urls
    from fixtures.clients.provenance.request_log import LogFile, LogMarkers
    from fixtures.settings import attestations
    from fixtures.settings.settings import SettingsError, from_values, read_env_file
    from fixtures.transport.http import _read
    from fixtures.transport.json_limits import is_unfit
    from reports import check_verdict
    from reports.comparison.csv_reader import CsvFile
    from reports.judge.criteria import GateError, read_gate
    from reports.judge.verdict import judge
    from reports.records import run_ledger
    from reports.records.redaction import MASK, Scrubber, replayable, shown_url

COLUMNS = ("uuid", "name", "note")
MARKERS = LogMarkers(fallback="falling back", vql="Connectra POST")
SECRET = "s3cret-word"
LONGEST = 65_536  # bytes of one input: what takes time by the square of it is out of breath there
SLOWEST_S = 10
HERE = Path(tempfile.mkdtemp(prefix="fuzzing-"))


def _file(name: str, data: bytes) -> Path:
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def csv(data: bytes) -> None:
    """In whatever pieces the bytes come, the rows and the troubles are the same."""
    size = 1 + (data[0] % 7 if data else 0)
    assert _sheet([data[at : at + size] for at in range(0, len(data), size)]) == _sheet([data])


def _sheet(chunks: list[bytes]) -> object:
    sheet = CsvFile(chunks, COLUMNS)
    return list(sheet.rows()), sheet.troubles, sheet.unfinished


def env_file(data: bytes) -> None:
    with suppress(SettingsError):
        from_values(read_env_file(_file("live.env", data)), "live").described()


def log(data: bytes) -> None:
    path = _file("log", b"")
    reader = LogFile(str(path), MARKERS)
    path.write_bytes(data)
    assert reader.entries_of(["gate-0a1b"]).logged <= {"gate-0a1b"}


def gate_file(data: bytes) -> None:
    with suppress(GateError):
        read_gate(data.decode(errors="replace"), "gate.toml")


def attestation(data: bytes) -> None:
    with suppress(attestations.AttestationError):
        attestations.read(_file("vouched.toml", data), {"team-available"})


def body(data: bytes) -> None:
    """A value from an answer can be compared and written down, or is refused."""
    body, error = _read(200, {"content-type": "application/json"}, data)
    assert error or is_unfit(body) or json.dumps(body)


def verdict_for_the_lock(data: bytes) -> None:
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    with suppress(check_verdict.InvalidVerdict):
        check_verdict.opened(
            check_verdict.read(_file("verdict.json", data)), "phase1", now=now, oldest=timedelta(days=1)
        )


def observations(data: bytes) -> None:
    """A run folder that holds anything at all is judged, and never as a GO."""
    run = HERE / "run"
    if not run.exists():
        run.mkdir()
        run_ledger.begin(
            run,
            run_ledger.Run(
                run_id="r",
                started="2026-01-01T00:00:00+00:00",
                target="live",
                seed=1,
                contract="guide",
                flags={},
                fingerprint={},
                gates={"phase1": run_ledger.GateFile(path="p", sha256="s", text=GATE.decode())},
            ),
        )
    _file("run/observations/here.jsonl", data)
    with suppress(GateError):  # of a phase that the run has no gate for
        assert judge(run_ledger.read(run), now="2026-01-01T00:00:00+00:00").verdict != "GO"


def linkedin_url(data: bytes) -> None:
    text = data.decode(errors="replace")
    for kind in ("person", "company"):
        urls.read(text, kind)
        urls.pattern(text, kind)


def cleaned(data: bytes) -> None:
    """A secret is gone from any text."""
    text = data.decode(errors="replace")
    clean = Scrubber(secrets=(SECRET,))
    assert SECRET not in clean(f"{text[:99]}{SECRET}{text[99:]}").replace(MASK, "")
    shown_url(text)
    with suppress(ValueError):
        replayable("GET", text)


GATE = (Path(__file__).parent / "phase1_single_record" / "gate.toml").read_bytes()
EXAMPLES: Mapping[str, bytes] = {  # what each begins from, besides nothing at all
    "csv": b'uuid,name,note\r\n0a1b,"Zo\xc3\xab ""Z"" B",\r\n0a1c,,"two\nlines"\r\n',
    "env-file": b"export CONTACT360_BASE_URL='https://contact360.example'\nVQL_EXPORTS=true # on\n",
    "log": b'{"request_id": "gate-0a1b", "message": "falling back to SQL"}\n' * 2,
    "gate-file": GATE,
    "attestation": b'[[attestation]]\nline = "team-available"\nwho = "Jane"\nwhen = 2026-11-20T08:00:00Z\n',
    "body": b'{"results": [{"uuid": "0a1b", "seniority": null, "employees": 1e3}], "next": "https://h/?c=%20"}',
    "verdict-for-the-lock": b'{"schema": 1, "verdict": "GO", "finished": "2026-11-25T11:00:00+00:00", "phases": {}}',
    "observations": b'{"type":"sample","phase":"phase1","check":"contact-endpoint","key":"k","stratum":"s",'
    b'"outcome":"equal","answers":[{"side":"backend","provenance":"vql"}],"attempt":true}\n',
    "linkedin-url": b"https://www.linkedin.com/in/zo%C3%AB-b?trk=x#y",
    "cleaned": b"GET https://u:p@h/in?x=1 Bearer abcdefghij a.b@c.example +1 555 0100 200 linkedin.com/in/me",
}
TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__.replace("_", "-"): target
    for target in (
        csv,
        env_file,
        log,
        gate_file,
        attestation,
        body,
        verdict_for_the_lock,
        observations,
        linkedin_url,
        cleaned,
    )
}


def fuzz(name: str, seconds: int, out: Path) -> None:
    """This process fuzzes one target until the time is over or something is found, and ends."""
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={SLOWEST_S}",
        "-len_control=0",
        f"-artifact_prefix={out}/{name}-",
    ]
    example = _file(f"from-{name}/example", EXAMPLES[name])
    atheris.Setup([sys.argv[0], *options, str(example.parent)], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m suites.fuzzing", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TARGETS)}; all unless named")
    parser.add_argument("--seconds", type=int, default=30, help="for each (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("reports/out/fuzzing"), help="where inputs are kept that broke one"
    )
    parser.add_argument("--this-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(TARGETS))
    if unknown:
        parser.error(f"no target {unknown[0]!r}; there are {', '.join(TARGETS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    if options.this_process:
        fuzz(options.names[0], options.seconds, options.out)
    return max([_reported(name, options.seconds, options.out) for name in options.names or TARGETS])


def _reported(name: str, seconds: int, out: Path) -> int:
    argv = [sys.executable, "-m", "suites.fuzzing", name, "--seconds", str(seconds), "--out", str(out)]
    completed = subprocess.run([*argv, "--this-process"], capture_output=True, text=True, errors="replace", check=False)
    counted = re.search(r"Done (\d+) runs", completed.stderr)
    if completed.returncode == 0 and counted:
        _say(f"{name}: {int(counted[1]):,} inputs, nothing found")
        return 0
    text = "\n".join(completed.stdout.splitlines()[-30:] + completed.stderr.splitlines()[-6:])
    _say(f"{name}: FOUND something, the input is in {out}\n{text}")
    return 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
