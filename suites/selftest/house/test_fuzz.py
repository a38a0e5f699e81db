"""What comes from outside may be anything: it is read, or refused in the reader's own words; nothing else is raised."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.clients.provenance.request_log import LogFile, LogMarkers
from fixtures.settings import attestations
from fixtures.settings.attestations import AttestationError
from fixtures.settings.settings import NAMES, SettingsError, from_values, gathered
from reports import check_verdict
from reports.history import store
from reports.history.entry import entry_of
from reports.judge.criteria import GateError, read_gate
from reports.judge.verdict import judge
from reports.output.html import page
from reports.records import run_ledger
from reports.records.records import Record, to_json
from suites.selftest.support import verdict_builders
from suites.selftest.support.hypothesis_mutation import FUZZ, cut_up, mutated

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CHECKOUT = Path(__file__).parents[3]
GATE = (CHECKOUT / "suites" / "phase5_bake" / "gate.toml").read_bytes()
SET = {
    "CONTACT360_BASE_URL": "https://contact360.example",
    "CONTACT360_TOKEN": "t",
    "CONNECTRA_API_KEY": "k",
    "CONNECTRA_BASE_URL": "https://connectra.example",
    "DATABASE_URL": "postgresql://u:p@db.example/contact360",
    "ELASTICSEARCH_HOST": "es.example",
    "ELASTICSEARCH_PORT": "9200",
    "VQL_EXPORTS": "true",
}
ENV_FILE = "".join(f"export {name}='{value}'\n" for name, value in SET.items()).encode()
VOUCHED = b'[[attestation]]\nline = "team-available"\nwho = "Jane"\nwhen = 2026-11-20T08:00:00Z\nuntil = 2026-11-27\n'
LOGGED = b'{"request_id": "gate-0a1b", "message": "x falling back y"}\n' * 3
MARKERS = LogMarkers(fallback="falling back", vql="Connectra POST")


@FUZZ
@given(content=cut_up(ENV_FILE))
def test_an_env_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "live.env"
    path.write_bytes(content)

    with suppress(SettingsError):
        from_values(gathered({}, str(path)), "live").described()


@FUZZ
@given(values=st.dictionaries(st.sampled_from(NAMES), st.text() | st.sampled_from(list(SET.values())), max_size=4))
def test_settings(values: Mapping[str, str]) -> None:
    with suppress(SettingsError):
        from_values(gathered({**SET, **values}, None), "live").secrets()


@FUZZ
@given(content=cut_up(LOGGED) | st.binary())
def test_a_log(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"")
    log = LogFile(str(path), MARKERS)
    path.write_bytes(content)

    assert log.entries_of(["gate-0a1b"]).logged <= {"gate-0a1b"}


@FUZZ
@given(content=cut_up(GATE))
def test_a_gate_file(content: bytes) -> None:
    with suppress(GateError):
        read_gate(content.decode(errors="replace"), "gate.toml")


@FUZZ
@given(content=cut_up(VOUCHED))
def test_an_attestation(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vouched.toml"
    path.write_bytes(content)

    with suppress(AttestationError):
        attestations.read(path, {"team-available"})


KEPT = json.loads(store._text(entry_of(verdict_builders.recorded(), verdict_builders.verdict("NO-GO", 5)), ""))


@FUZZ
@given(entry=mutated(KEPT))
def test_a_history(tmp_path: Path, entry: Any) -> None:
    (tmp_path / "one.json").write_text(json.dumps(entry))

    entries, problems = store.read(tmp_path)
    assert len(entries) + len(problems) == 1
    for earlier in entries:
        page.html(verdict_builders.verdict("GO", 5), verdict_builders.recorded(), earlier=[earlier])


RUN = run_ledger.Run(
    run_id="r",
    started="2026-01-01T00:00:00+00:00",
    target="live",
    seed=1,
    contract="guide",
    flags={},
    fingerprint={},
    gates={
        "phase1": run_ledger.GateFile(
            path="p", sha256="s", text=(CHECKOUT / "suites" / "phase1_single_record" / "gate.toml").read_text()
        )
    },
)
RECORDS: tuple[Record, ...] = verdict_builders.recorded().records[:6] + verdict_builders.recorded().records[-3:]


@FUZZ
@given(data=st.data())
def test_a_run_folder(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("run")
    run_ledger.begin(folder, RUN)
    entries = [
        data.draw(mutated(to_json(record), most=1)) if data.draw(st.booleans()) else to_json(record)
        for record in RECORDS
    ]
    (folder / "observations" / "here.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))

    with suppress(GateError):  # of a phase that the run has no gate for
        assert judge(run_ledger.read(folder), now="2026-01-01T00:00:00+00:00").verdict in ("HOLD", "NO-GO")


@FUZZ
@given(entry=mutated(json.loads(json.dumps(asdict(RUN)))))
def test_the_record_of_a_run(tmp_path: Path, entry: Any) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"schema": 1, **entry} if isinstance(entry, dict) else entry))

    with suppress(run_ledger.DamagedRun):
        run_ledger.read_run(tmp_path)


@FUZZ
@given(entry=mutated(verdict_builders.verdict("GO", 5)))
def test_a_verdict_for_the_lock(tmp_path: Path, entry: Any) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(entry))

    with suppress(check_verdict.InvalidVerdict):
        check_verdict.opened(check_verdict.read(path), "phase1", now=NOW, oldest=timedelta(days=1))
