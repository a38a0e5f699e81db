"""The page's table of requests by check: counts over all workers, criteria by their titles, and the rest."""

from reports.judge.criteria import Criterion, Gate, Latency, Recheck
from reports.output.html.request_counts import OTHERS, by_check
from reports.records.records import Comparison, Event, Observation, Outcome
from reports.records.run_ledger import Run, RunRecords

RIGHT = Criterion(id="right", title="Right", guide="g", rule="exact", reason="r", checks=("x",))
ELSEWHERE = Criterion(id="other", title="Elsewhere", guide="g", rule="exact", reason="r", checks=("y",))
ERRORS = Criterion(id="errors", title="Errors", guide="g", rule="share", reason="r", of="errors", target=0.1, alert=0.5)
OUTAGES = Criterion(
    id="out", title="Outages", guide="g", rule="share", reason="r", of="connectra-errors", target=0.1, alert=0.5
)
GATE = Gate(
    phase="p",
    title="t",
    flag="",
    guide="g",
    valid_hours=1,
    samples=1,
    latency=Latency(floor_ms=5.0),
    recheck=Recheck(live_s=(), sandbox_s=()),
    criteria=(RIGHT, ELSEWHERE, ERRORS, OUTAGES),
)


RUN = Run(run_id="r", started="", target="live", seed=1, contract="guide", flags={}, fingerprint={}, gates={})


def _page(*records: Event | Comparison, sent: int) -> str:
    return str(by_check(RunRecords(run=RUN, records=records), [GATE], sent))


def test_requests_of_all_workers_are_added_up_and_named_with_what_they_serve() -> None:
    answer = Observation(side="backend")
    page = _page(
        Event(name="asked", phases=("p",), detail="x", count=1200),
        Event(name="asked", phases=("p",), detail="x", count=34),
        Comparison(phase="p", check="x", key="k", stratum="s", answers=(answer,), outcome=Outcome.EQUAL),
        sent=1300,
    )

    assert "1,234" in page
    assert "Right; Errors" in page
    assert "Elsewhere" not in page
    assert "Outages" not in page
    assert OTHERS in page


def test_a_run_without_these_counts_has_no_table() -> None:
    assert _page(sent=5) == ""
