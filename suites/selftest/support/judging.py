"""Phase 1's questions sent to a target by this process, and judged, without a run of pytest around them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fixtures.checks.records.records import RecordChecks
from fixtures.checks.runner import CheckRunner
from fixtures.clients.target import Target, connect
from fixtures.contracts.contract import load
from fixtures.settings.settings import Settings, from_values
from fixtures.transport.rate_limiter import RateLimiter
from reports.judge.rules.dispatch import Finding
from reports.judge.verdict import judge
from reports.records import run_ledger
from reports.records.records import Event
from reports.records.redaction import Pseudonymizer
from reports.records.run_ledger import GateFile, Run, RunRecords, Writer

CHECKS = tuple(
    f"{record}-{service}"
    for record in ("contact", "company")
    for service in ("endpoint", "connectra", "unknown-endpoint", "unknown-connectra")
)
NOW = "2026-01-01T00:00:00+00:00"


@dataclass(frozen=True, kw_only=True)
class JudgedPhase:
    """The result: the verdict, findings by criterion, and all records."""

    verdict: str
    findings: Mapping[str, Finding]
    recorded: RunRecords

    def missed(self) -> dict[str, str | None]:
        """Missed criteria, each with its cause."""
        missed = {name: finding for name, finding in self.findings.items() if finding.outcome == "missed"}
        return {name: finding.cause.code if finding.cause else None for name, finding in missed.items()}


@contextmanager
def connected(values: Mapping[str, str], scratch: Path) -> Iterator[Target]:
    """The target these settings describe, while inside."""
    with closing(connect(from_values(values, "sandbox"), load("guide"), RateLimiter(scratch, None))) as target:
        yield target


def judged(
    checkout: Path, folder: Path, target: Target, *, checks: Sequence[str] = CHECKS, count: int = 8
) -> JudgedPhase:
    """Ask `count` questions of each check. Flags are those of the target's settings."""
    run_ledger.begin(folder, _run(checkout, target.settings))
    writer = Writer(folder, "here")
    flag_on = run_ledger.read_run(folder).flag_on("VQL_SINGLE_RECORD_RETRIEVAL")
    records = RecordChecks(target, flag_on=flag_on, count=count, seed=7)
    verifier = CheckRunner(
        target,
        writer,
        Pseudonymizer(b"key"),
        phase="phase1",
        flag_on=flag_on,
        recheck_s=(0,),
        fresh_s=60,
        seed=7,
        wait=lambda _: None,
    )
    for check in checks:
        draw = records.drawn(check)
        verifier.plan(check, draw, planned=len(draw.samples))
        verifier.put(records.check_of(check), draw.samples)
    writer.append(Event(name="run-finished"))
    writer.close()
    recorded = run_ledger.read(folder)
    (phase,) = judge(recorded, now=NOW).phases
    return JudgedPhase(
        verdict=phase.verdict, findings={finding.criterion: finding for finding in phase.findings}, recorded=recorded
    )


def _run(checkout: Path, settings: Settings) -> Run:
    path = checkout / "suites" / "phase1_single_record" / "gate.toml"
    text = path.read_text()
    return Run(
        run_id="r",
        started=NOW,
        target="live",
        seed=7,
        contract="guide",
        flags=settings.flags,
        fingerprint={},
        gates={tomllib.loads(text)["phase"]: GateFile(path=path.name, sha256="s", text=text)},
    )
