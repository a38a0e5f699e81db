"""The life of a job: which glimpses of it are as required, and which are not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reports.comparison.job_status import Lifecycle, StatusSample, complaints, expiry_complaint

COURSE = Lifecycle(states=("pending", "processing", "completed"), ended=("failed", "cancelled"))
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _life(*answers: tuple[Any, Any]) -> list[StatusSample]:
    return [
        StatusSample(state=state, progress=progress, after_s=float(at)) for at, (state, progress) in enumerate(answers)
    ]


@pytest.mark.parametrize(
    "statuses",
    [
        (("pending", None), ("processing", 0), ("completed", 100)),
        (("pending", None), ("completed", 100.0)),
        (("completed", 100),),
        (("pending", 0), ("pending", 0), ("processing", 40.0), ("processing", 40.0), ("completed", 100)),
        (("pending", None), ("failed", 40)),
        (("processing", 10),),
        (),
    ],
    ids=str,
)
def test_a_job_that_goes_its_way_gives_no_cause_for_complaint(statuses: tuple[tuple[Any, Any], ...]) -> None:
    assert complaints(_life(*statuses), COURSE) == ()


@pytest.mark.parametrize(
    ("statuses", "message"),
    [
        ((("processing", 0), ("pending", 0)), "status goes backwards"),
        ((("completed", 100), ("processing", 100)), "status goes backwards"),
        ((("processing", 60), ("processing", 20), ("completed", 100)), "progress goes backwards"),
        ((("processing", 101), ("completed", 100)), "not between 0 and 100"),
        ((("processing", -1),), "not between 0 and 100"),
        ((("processing", "half"),), "not a number"),
        ((("processing", True),), "not a number"),
        ((("processing", float("nan")),), "not a number"),
        ((("completed", 0),), "completed at a progress of 0"),
        ((("completed", None),), "completed at a progress of nothing"),
        ((("done", 100),), "'done', which is none of pending"),
        (((None, None),), "'None'"),
        (((["completed"], 1),), "which is none of"),
    ],
    ids=str,
)
def test_an_impossible_lifecycle_is_reported(statuses: tuple[tuple[Any, Any], ...], message: str) -> None:
    assert any(message in complaint for complaint in complaints(_life(*statuses), COURSE))


def test_a_state_that_is_none_is_no_step_back() -> None:
    (complaint,) = complaints(_life(("done", 0), ("processing", 10)), COURSE)

    assert complaint.startswith("status is 'done'")


@pytest.mark.parametrize(
    ("expires", "message"),
    [
        ((NOW + timedelta(hours=24)).isoformat(), None),
        ("2026-11-26T12:00:00Z", None),
        ("2026-11-26T12:00:00", None),
        ("2026-11-25T12:00:00Z", "not in the future"),
        ("2026-11-25T11:00:00", "not in the future"),
        ("2026-11-25T13:00:00+02:00", "not in the future"),
        ("tomorrow", "RFC 3339"),
        ("2026-11-26 12:00:00", "RFC 3339"),
        ("20261126T120000Z", "RFC 3339"),
        ("2026-13-26T12:00:00Z", "not a time"),
        (None, "not a time"),
        (17, "not a time"),
    ],
)
def test_a_file_expires_in_the_future(expires: Any, message: str | None) -> None:
    complaint = expiry_complaint(expires, NOW)

    assert (complaint is None) if message is None else message in str(complaint)
