"""Every fault breaks the criteria it was made for, by the right cause, and no other; a calm sandbox breaks none.

One drill is one fault on one sandbox, asked over the phases that it concerns, each in a child pytest of its own.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.sandbox.faults import history_faults
from fixtures.sandbox.faults.catalogue import CATALOGUE, parse
from fixtures.sandbox.faults.drill_matrix import expected_of
from fixtures.sandbox.faults.fault import Fault
from fixtures.sandbox.faults.history_faults import HistoryFault
from fixtures.session.earlier_runs import records
from fixtures.session.rootdir import joined
from fixtures.session.sandbox_process import RUNNING, OwnedSandbox
from reports.judge.criteria import Gate, read_gate
from reports.judge.verdict import judge, to_json
from reports.output import detection_matrix
from reports.output.detection_matrix import ExpectedDetection, MatrixRow
from reports.records import run_ledger
from reports.records.inputs.earlier_runs import EarlierRun
from suites.selftest.support import warm_python

ROOT = Path(__file__).parents[2]
GATES = {
    gate.phase: gate
    for path in sorted(ROOT.glob("suites/*/gate.toml"))
    for gate in [read_gate(path.read_text(encoding="utf-8"), str(path))]
}
ASKED = [phase for phase in GATES if phase not in ("phase5", "rollback")]  # in one process, of one sandbox
FAULTS = [fault for fault in CATALOGUE if fault.name != "calm" and fault.phase in GATES]
BAKED = [bake.phase for bake in GATES["phase5"].bake]
QUICK = ("--rows", "600", "--samples", "32")  # enough to be sure of a fault; a GO needs the full count
TIMED = ("latency", "duration")  # what the names of criteria about time have in them
UNTIMED_MS = 5  # a database query where nothing is timed: about what Connectra takes
ROLLED_BACK = ("--flags", "none", "--expect-flags", "none")

PAIRS = (  # of one phase each, and of other criteria
    ("internal-field", "connectra-500:0.3"),
    ("times-with-blank", "backend-500"),
    ("texts-lower", "connectra-429:0.3"),
    ("keys-twice", "html-for-answers:0.3"),
    ("meta-nonsense", "attribute-global"),
    ("next-elsewhere", "attribute-capped"),
    ("linkedin-no-companies", "linkedin-500"),
)

Drilled = Callable[[Sequence[MatrixRow]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRun:
    """A child's run folder, its verdict.json, and what it printed."""

    folder: Path
    verdict: dict[str, Any]
    printed: str


@pytest.fixture(scope="module")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Fault], str]]:
    """Gives the settings file of a sandbox that serves many faults, of the size that the fault's run asks for.

    Its database takes as long as production's where the fault's run times anything; otherwise that would be waited for.

    Empty for a fault that can't be switched on in a running sandbox.
    """
    sandboxes: dict[tuple[int, int | None], tuple[OwnedSandbox, str]] = {}
    folder = tmp_path_factory.mktemp("lent")

    def file_of(fault: Fault) -> str:
        if not fault.switchable:
            return ""
        rows = int(dict(_pairs((*QUICK, *fault.options)))["--rows"])
        service_time_ms = None if _is_timed(_demanded(fault)) else UNTIMED_MS
        kind = rows, service_time_ms
        if kind not in sandboxes:
            name = f"{rows}-{service_time_ms}"
            log, file = str(folder / f"access-{name}.log"), folder / f"{name}.env"
            owned = OwnedSandbox.start(ROOT, rows=rows, access_log=log, service_time_ms=service_time_ms)
            file.write_text("".join(f"{name}={value}\n" for name, value in owned.values.items()), encoding="utf-8")
            sandboxes[kind] = owned, str(file)
        return sandboxes[kind][1]

    yield file_of
    for owned, _ in sandboxes.values():
        owned.stop()


def _demanded(fault: Fault) -> tuple[str, ...]:
    """The criteria that it must break; what it may break besides needn't be asked."""
    return (*fault.criteria, *fault.elsewhere)


def _is_timed(criteria: Sequence[str]) -> bool:
    return any(sign in name for name in criteria for sign in TIMED)


def _pairs(options: Sequence[str]) -> list[tuple[str, str]]:
    """Options and their values, one after the other."""
    return list(zip(options[::2], options[1::2], strict=True))


def _rehearse(out: Path, phases: Sequence[str], *options: str, lent: str = "", timed: bool = True) -> DrillRun:
    """These phases on a sandbox of their own, or on the one whose settings file is `lent`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATE_", "PYTEST_"))}
    environment |= {RUNNING: lent} if lent else {}
    environment |= {} if timed else {"SANDBOX_SERVICE_TIME": str(UNTIMED_MS)}
    command = [
        "-m",
        " or ".join(phases),
        "--target",
        "sandbox",
        "--out",
        str(out),
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        *(ROLLED_BACK if "rollback" in phases else ()),
        *options,
    ]
    completed = warm_python.run("pytest", *joined(command), cwd=ROOT, env=environment, timeout_s=800)
    path = out / "latest" / "verdict.json"
    assert path.exists(), completed.stdout[-3000:] + completed.stderr[-2000:]
    return DrillRun(folder=path.parent.resolve(), verdict=json.loads(path.read_text()), printed=completed.stdout)


def _selected(*faults: Fault) -> tuple[str, ...]:
    """-k with what these faults need: no latency, no larger exports, unless their criteria name them; or that alone."""
    names = [name for fault in faults for name in _demanded(fault)]
    if all(fault.select for fault in faults):
        return ("-k", " or ".join(f"({fault.select})" for fault in faults))
    if all(name.endswith("-latency") for name in names):
        return ("-k", "slower")
    if all(name.endswith("-duration") for name in names):
        return ("-k", "longer")
    without = [
        name
        for name, signs in (
            ("slower", TIMED),
            ("longer", TIMED),
            ("medium", ("medium", "large", "memory", "duration")),
            ("large", ("medium", "large", "memory")),
        )
        if not any(sign in name for name in names for sign in signs)
    ]
    return ("-k", " and ".join(f"not {name}" for name in without)) if without else ()


def _require(rows: Sequence[MatrixRow], verdict: dict[str, Any], drilled: Drilled) -> None:
    __tracebackhide__ = True
    drilled(rows)
    sentence = detection_matrix.complaint(rows, verdict)
    if sentence:
        pytest.fail(sentence, pytrace=False)


@pytest.mark.parametrize(("seed", "phases"), [("1", ASKED[::2]), ("2", ASKED[1::2])], ids="+".join)
def test_calm_breaks_nothing(tmp_path: Path, drilled: Drilled, seed: str, phases: Sequence[str]) -> None:
    verdict = _rehearse(tmp_path, phases, "--seed", seed).verdict

    _require(_calm(f"calm, seed {seed}", phases, verdict), verdict, drilled)
    assert [name for phase in phases for name in _open(verdict, GATES[phase])] == []


def test_calm_customers_get_right_answers(tmp_path: Path, drilled: Drilled) -> None:
    """The full draw of each phase, of the log that the sandbox's customers write."""
    phases = [phase for phase, gate in GATES.items() if any(criterion.rule == "traffic" for criterion in gate.criteria)]

    verdict = _rehearse(
        tmp_path, phases, "--seed", "1", "--traffic", "sandbox", "-k", "customers_get_right_answers"
    ).verdict

    _require(_calm("calm, with customers", phases, verdict), verdict, drilled)
    outcomes = [
        entry["outcome"]
        for phase in phases
        for entry in verdict["phases"][phase]["findings"]
        if entry["criterion"] == "traffic-parity"
    ]
    assert outcomes == ["met"] * len(phases)


def test_a_calm_rollback_breaks_nothing(tmp_path: Path, drilled: Drilled) -> None:
    verdict = _rehearse(tmp_path, ["rollback"], "--seed", "1").verdict

    _require(_calm("calm", ["rollback"], verdict), verdict, drilled)
    assert _open(verdict, GATES["rollback"]) == []


def _calm(name: str, phases: Sequence[str], verdict: dict[str, Any]) -> list[MatrixRow]:
    return [
        row
        for phase in phases
        for row in detection_matrix.rows_of(ExpectedDetection(fault=name, phase=phase, verdict="GO"), verdict)
    ]


def _open(verdict: dict[str, Any], gate: Gate) -> list[str]:
    """Blocking criteria that are not met. A machine too busy to time anything is not what is drilled here."""
    timing = {criterion.id for criterion in gate.criteria if criterion.rule == "latency"}
    findings = [entry for entry in verdict["phases"][gate.phase]["findings"] if entry["criterion"] not in timing]
    return [
        f"{gate.phase}/{finding['criterion']}: {finding['sentence']}"
        for finding in findings
        if finding["kind"] == "blocking" and finding["outcome"] != "met"
    ]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_caught(tmp_path: Path, drilled: Drilled, lent: Callable[[Fault], str], fault: Fault) -> None:
    """Flags are off in a rollback and on in a phase: two sandboxes, where a fault concerns both.

    Nothing is timed where the fault slows nothing down, and exports are small where it breaks small ones.
    """
    phases = [phase for phase in fault.phases if phase in GATES]
    apart = [phase for phase in phases if phase == "rollback"]
    groups = [group for group in ([phase for phase in phases if phase not in apart], apart) if group]
    options = ("--fault", fault.text, "--seed", "7", *QUICK, *fault.options, *_selected(fault))
    verdicts = [
        _rehearse(
            tmp_path / group[0],
            group,
            *options,
            lent="" if group == apart else lent(fault),
            timed=_is_timed(_demanded(fault)),
        ).verdict
        for group in groups
    ]
    verdict = {"phases": {name: phase for entry in verdicts for name, phase in entry["phases"].items()}}

    _require(
        [
            row
            for expected_detection in expected_of(fault, GATES)
            for row in detection_matrix.rows_of(expected_detection, verdict)
        ],
        verdict,
        drilled,
    )


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_two_faults_at_once_get_two_causes(
    tmp_path: Path, drilled: Drilled, lent: Callable[[Fault], str], pair: tuple[str, str]
) -> None:
    """Both of one phase: each breaks its own criteria there, by its own cause."""
    first, second = map(parse, pair)
    fault_options = [part for fault in (first, second) for part in ("--fault", fault.text)]

    verdict = _rehearse(
        tmp_path, [first.phase], *fault_options, "--seed", "7", *QUICK, *_selected(first, second), lent=lent(first)
    ).verdict

    rows = [
        row
        for fault, other in ((first, second), (second, first))
        for expected_detection in expected_of(fault, GATES)[:1]
        for row in detection_matrix.rows_of(
            replace(expected_detection, fault="+".join(pair), may_also=(*expected_detection.may_also, *other.named)),
            verdict,
        )
        if not (row.detection == detection_matrix.FALSE_ALARM and row.cause_named == other.cause)
    ]
    _require(rows, verdict, drilled)


@pytest.fixture(scope="module")
def bake(tmp_path_factory: pytest.TempPathFactory) -> DrillRun:
    """Phase 5 on a calm sandbox, without a history: what it asked of the sandbox itself."""
    if not set(BAKED) <= set(GATES):
        pytest.skip(f"not every phase that is baked has its gate yet: {', '.join(sorted(set(BAKED) - set(GATES)))}")
    return _rehearse(tmp_path_factory.mktemp("bake"), ["phase5"], "--rows", "600", "--seed", "1")


@pytest.mark.parametrize("past", history_faults.CATALOGUE, ids=lambda past: past.fault.name)
def test_a_history_with_one_thing_wrong_is_caught(
    tmp_path: Path, drilled: Drilled, bake: DrillRun, past: HistoryFault
) -> None:
    """The same run again, with another past: judged from its folder, as it can be in a year."""
    shutil.copytree(bake.folder, tmp_path / "run")
    recorded = run_ledger.read(tmp_path / "run")
    past.write(tmp_path / "history", recorded.run, BAKED)
    of_bake = [
        record
        for record in recorded.records
        if not isinstance(record, EarlierRun) and getattr(record, "name", "") != "history"
    ]
    of_bake += records(str(tmp_path / "history"), recorded.run, "phase5")

    verdict = to_json(judge(run_ledger.RunRecords(run=recorded.run, records=tuple(of_bake)), now=recorded.run.started))

    _require(
        [
            row
            for expected_detection in expected_of(past.fault, GATES)
            for row in detection_matrix.rows_of(expected_detection, verdict)
        ],
        verdict,
        drilled,
    )
    assert verdict["phases"]["phase5"]["verdict"] == past.fault.verdict


def test_two_workers_find_what_one_finds(tmp_path: Path) -> None:
    def outcomes(name: str, *options: str) -> dict[str, tuple[str, str | None]]:
        verdict = _rehearse(
            tmp_path / name, ["phase1"], "--fault", "stale-record", "--seed", "7", *QUICK, *options
        ).verdict
        return {
            entry["criterion"]: (entry["outcome"], (entry["cause"] or {}).get("code"))
            for entry in verdict["phases"]["phase1"]["findings"]
            if entry["unit"] != "ratio"
        }

    assert outcomes("one") == outcomes("two", "-n", "2")
