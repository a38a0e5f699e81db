"""The page's table of requests by check: counts over all workers, criteria by their titles, and the rest."""

from reports.output.html.request_counts import OTHERS, by_check
from reports.records.records import Event, Record
from reports.records.run_ledger import RunRecords
from suites.selftest.support.phase_builders import criterion_of, gate_of, sampled
from suites.selftest.support.verdict_builders import run

SHARE = {"target": 0.1, "alert": 0.5}
GATE = gate_of(
    criterion_of("exact", "x", title="Right"),
    criterion_of("exact", "y", title="Elsewhere", id="elsewhere"),
    criterion_of("share", of="errors", title="Errors", id="errors", **SHARE),
    criterion_of("share", of="connectra-errors", title="Outages", id="outages", **SHARE),
)


def _page(*records: Record, sent: int) -> str:
    return str(by_check(RunRecords(run=run(), records=records), [GATE], sent))


def test_requests_of_all_workers_are_added_up_and_named_with_what_they_serve() -> None:
    events = (Event(name="asked", phases=("p",), detail="x", count=count) for count in (1200, 34))

    page = _page(*events, sampled("k"), sent=1300)

    assert "1,234" in page
    assert "Right; Errors" in page
    assert "Elsewhere" not in page
    assert "Outages" not in page
    assert OTHERS in page


def test_a_run_without_these_counts_has_no_table() -> None:
    assert _page(sent=5) == ""
