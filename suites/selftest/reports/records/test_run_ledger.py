"""The run folder: what was written is read back, what was torn is reported, nothing else is lost."""

from pathlib import Path

import pytest

from reports.records import run_ledger
from reports.records.records import (
    CheckPlan,
    Comparison,
    Difference,
    DifferenceKind,
    Event,
    Fact,
    Observation,
    Outcome,
    Pair,
    Provenance,
    Record,
    from_json,
    to_json,
)

RUN = run_ledger.Run(
    run_id="r",
    started="2026-01-01T00:00:00+00:00",
    target="sandbox",
    seed=1,
    contract="guide",
    flags={"CONNECTRA_ENABLED": True, "F": True, "G": False, "H": None},
    fingerprint={},
    gates={"phase1": run_ledger.GateFile(path="p", sha256="s", text="t")},
)
RECORDS: tuple[Record, ...] = (
    Comparison(
        phase="phase1",
        check="contact-endpoint",
        key="k",
        stratum="s",
        outcome=Outcome.DIFFERENT,
        answers=(Observation(side="backend", status=200, provenance=Provenance.VQL, signals=("header:vql",)),),
        differences=(Difference(path="p", kind=DifferenceKind.VALUE, expected="<str:a>", actual="null"),),
    ),
    Pair(phase="phase1", check="contact-latency", key="k", block=1, vql_ms=2.0, direct_ms=1.0),
    CheckPlan(phase="phase1", check="contact-endpoint", population=10, planned=5, strata={"ordinary": 10}),
    Fact(phase="phase1", name="health", ok=True),
    Event(name="collected", phases=("phase1",), count=3),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run_ledger.begin(tmp_path / "run", RUN)
    return tmp_path / "run"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_survives_the_way_through_json(record: Record) -> None:
    assert from_json(to_json(record)) == record


def test_everything_written_is_read_back(folder: Path) -> None:
    writer = run_ledger.Writer(folder, "gw0")
    for record in RECORDS:
        writer.append(record)
    writer.close()

    recorded = run_ledger.read(folder)

    assert recorded.run == RUN
    assert recorded.records == RECORDS
    assert recorded.unreadable == ()


def test_a_torn_line_is_reported_and_the_rest_kept(folder: Path) -> None:
    writer = run_ledger.Writer(folder, "gw0")
    writer.append(RECORDS[0])
    writer.close()
    with (folder / "observations" / "gw0.jsonl").open("ab") as file:
        file.write(b'{"type": "samp')

    recorded = run_ledger.read(folder)

    assert len(recorded.records) == 1
    assert [line.split(":")[:2] for line in recorded.unreadable] == [["gw0.jsonl", "2"]]


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[]", b"null", b'{"type":"spell"}', b"[" * 100_000, b'{"type":"pair"}'])
def test_a_damaged_line_is_never_fatal(folder: Path, line: bytes) -> None:
    (folder / "observations" / "gw0.jsonl").write_bytes(line + b"\n")

    assert len(run_ledger.read(folder).unreadable) == 1


@pytest.mark.parametrize(
    "record",
    [
        Pair(phase="p", check="c", key="k", block=1, vql_ms=1.0, direct_ms=0.0),
        Pair(phase="p", check="c", key="k", block=1, vql_ms=float("nan"), direct_ms=1.0),
        Pair(phase="p", check="c", key="k", block=1, vql_ms=1.0, direct_ms=1.0, again_ms=-1.0),
        Fact(phase="p", name="n", ok=True, value=float("inf")),
        Fact(phase="p", name="n", ok="perhaps"),  # type: ignore[arg-type]
        Comparison(phase="p", check="c", key="k", stratum="s", outcome=Outcome.LAGGED, answers=(), lag_s=float("inf")),
        Comparison(phase="p", check="c", key="k", stratum="s", outcome=Outcome.EQUAL, answers=(), attempt="no"),  # type: ignore[arg-type]
    ],
    ids=["no-time", "no-number", "negative", "infinite", "perhaps", "endless-lag", "an-attempt-of-text"],
)
def test_what_no_measurement_can_be_is_no_record(record: Record) -> None:
    with pytest.raises(ValueError, match="damaged"):
        from_json(to_json(record))


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"schema": 99}', b"\xff"])
def test_a_folder_without_a_run_is_reported_as_such(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)

    with pytest.raises(run_ledger.DamagedRun, match=r"run\.json"):
        run_ledger.read(tmp_path)


def test_a_folder_that_is_not_there_is_reported_as_such(tmp_path: Path) -> None:
    with pytest.raises(run_ledger.DamagedRun, match="latest: no such folder; a run folder is reports/out/"):
        run_ledger.read(tmp_path / "latest")


@pytest.mark.parametrize(("flag", "on"), [("F", True), ("G", False), ("H", None), ("unheard", None)])
def test_a_flag_is_on_off_or_not_known(flag: str, on: bool | None) -> None:
    assert RUN.flag_on(flag) is on


@pytest.mark.parametrize("problem", [OSError(28, "no space"), KeyboardInterrupt()], ids=["full disk", "interrupted"])
def test_a_file_that_is_not_written_whole_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    (tmp_path / "state.json").write_text("before")
    write = Path.write_text

    def broken(path: Path, text: str, **how: str) -> None:
        write(path, text[:3])
        raise problem

    monkeypatch.setattr(Path, "write_text", broken)
    with pytest.raises(type(problem)):
        run_ledger.write_text(tmp_path / "state.json", "afterwards")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("state.json", "before")]
