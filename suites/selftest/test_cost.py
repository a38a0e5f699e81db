"""What a run may cost: never more than was allowed, whoever spends it, and all that is made is listed."""

import json
import threading
from pathlib import Path

import pytest

from fixtures.transport.credit_budget import CleanupList, CreditBudget


def test_the_budget_is_shared_between_workers(tmp_path: Path) -> None:
    first, second = (CreditBudget(10, tmp_path) for _ in range(2))

    assert [first.take(6), second.take(6), second.take(4), first.take(1)] == [True, False, True, False]
    assert (first.spent, second.spent, first.left(), second.left()) == (6, 4, 0, 0)


def test_many_at_once_never_spend_more_than_is_allowed(tmp_path: Path) -> None:
    budgets = [CreditBudget(50, tmp_path) for _ in range(8)]

    def spend(budget: CreditBudget) -> None:
        while budget.take(3, files=1):
            pass

    threads = [threading.Thread(target=spend, args=(budget,)) for budget in budgets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(budget.spent for budget in budgets) == 48
    assert sum(budget.files for budget in budgets) == 16


@pytest.mark.parametrize(("allowed", "taken"), [(None, True), (0, False), (5, True), (4, False)])
def test_nothing_is_spent_that_is_not_allowed(allowed: int | None, taken: bool) -> None:
    budget = CreditBudget(allowed)

    assert budget.take(5) is taken
    assert budget.spent == (5 if taken else 0)


def test_what_costs_nothing_may_be_asked_without_a_budget() -> None:
    assert CreditBudget(0).take(0)


def test_what_was_made_is_listed_by_all_workers(tmp_path: Path) -> None:
    for number in range(3):
        CleanupList(tmp_path).add({"export_id": f"e{number}", "kind": "contacts"})

    lines = (tmp_path / "evidence" / "created_exports.jsonl").read_text().splitlines()
    assert [json.loads(line)["export_id"] for line in lines] == ["e0", "e1", "e2"]
