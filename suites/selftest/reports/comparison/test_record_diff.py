"""The comparison rules: what each excuses, and that it excuses nothing else."""

import copy
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType

import pytest

from reports.comparison.canonical import canonical
from reports.comparison.record_diff import Field, actual_record, blemishes, disagreements, expected_record
from reports.records.foreign_text import foreign
from reports.records.records import DifferenceKind
from reports.records.redaction import Pseudonymizer

EXCUSED = [
    ("text", "_", None),
    ("text", "", None),
    ("text", "  ", None),
    ("text", "'CTO'", "CTO"),
    ("text", "\"'CTO'\"", "CTO"),
    ("text", " CTO ", "CTO"),
    ("text", "''", None),
    ("text", "' CTO '", "CTO"),
    ("seniority", "", None),
    ("seniority", " _ ", "_"),
    ("phone", "'+1555", "+1555"),
    ("joined", ["Sales", "R&D"], "Sales, R&D"),
    ("joined", ["Sales", "", "R&D"], "Sales, R&D"),
    ("joined", [], None),
    ("list", [], None),
    ("zero", 0, None),
    ("digits", 42, "42"),
    ("time", datetime(2024, 1, 1, 12), "2024-01-01T12:00:00Z"),
    ("time", datetime(2024, 1, 1, 12, tzinfo=UTC), "2024-01-01T13:00:00+01:00"),
    ("time", "2024-01-01T12:00:00.5", "2024-01-01T12:00:00.500000Z"),
    ("time", datetime(2024, 1, 1, 13, tzinfo=timezone(timedelta(hours=1))), "2024-01-01T12:00:00"),
]

NOT_EXCUSED = [
    ("text", "CTO", "cto"),
    ("text", "CTO", None),
    ("text", "'CTO", "CTO"),
    ("text", "'", None),
    ("text", "anna", "nn"),
    ("text", "_a", None),
    ("text", "a  b", "a b"),
    ("text", "José", "Jose\u0301"),
    ("seniority", "_", None),
    ("phone", "+1555", "1555"),
    ("joined", ["Sales", "HR"], "HR, Sales"),
    ("joined", ["Sales"], "Sales, HR"),
    ("list", ["a", "b"], ["b", "a"]),
    ("list", ["a"], "a"),
    ("zero", 0, False),
    ("zero", 1, None),
    ("zero", 0, ""),
    ("zero", "0", None),
    ("digits", 42, "42.0"),
    ("digits", True, "True"),
    ("time", datetime(2024, 1, 1, 12), "2024-01-01T12:00:00+01:00"),
    ("time", datetime(2024, 1, 1, 12), "2024-01-01T12:00:01"),
    ("time", datetime(2024, 1, 1, 12), "yesterday"),
]


def _same(rule: str, expected: object, actual: object) -> bool:
    field = Field(path="field", columns=("table.column",), rules=(rule,))
    wanted = expected_record({"table": {"column": expected}}, [field])
    return not disagreements(wanted, actual_record({"field": actual}, [field]))


@pytest.mark.parametrize(("rule", "expected", "actual"), EXCUSED)
def test_a_rule_excuses_what_it_names(rule: str, expected: object, actual: object) -> None:
    assert _same(rule, expected, actual)


@pytest.mark.parametrize(("rule", "expected", "actual"), NOT_EXCUSED)
def test_a_rule_excuses_nothing_else(rule: str, expected: object, actual: object) -> None:
    assert not _same(rule, expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual", "kind"),
    [
        ({"uuid": "a"}, None, DifferenceKind.MISSING),
        (None, {"uuid": "a"}, DifferenceKind.GHOST),
        ({"uuid": "a"}, {"uuid": "b"}, DifferenceKind.IDENTITY),
        ({"n": 5}, {"n": "5"}, DifferenceKind.TYPE),
        ({"n": 5}, {"n": 5.0}, DifferenceKind.TYPE),
        ({"n": 1}, {"n": True}, DifferenceKind.TYPE),
        ({"n": 5}, {"n": 6}, DifferenceKind.VALUE),
        ({"n": 5}, {"n": None}, DifferenceKind.MISSING),
        ({"n": 5}, {}, DifferenceKind.MISSING),
        ({"n": Decimal(5)}, {"n": Decimal(6)}, DifferenceKind.VALUE),
        ({"n": None}, {"n": 5}, DifferenceKind.GHOST),
        ({"n": [1, 2]}, {"n": [2, 1]}, DifferenceKind.ORDER),
        ({"n": [1, 2]}, {"n": [1, 1, 2]}, DifferenceKind.DUPLICATE),
        ({"n": [1, 2, 3]}, {"n": [1, 2]}, DifferenceKind.TRUNCATED),
        ({"n": [1, 2]}, {"n": [1, 3]}, DifferenceKind.VALUE),
        ({"n": [1, 2]}, {"n": [1, 2, 3]}, DifferenceKind.VALUE),
        ({"n": [1, 1, 2]}, {"n": [1, 2, 2]}, DifferenceKind.VALUE),
        ({"n": [1, 2, 1]}, {"n": [2, 1]}, DifferenceKind.VALUE),
        ({"o": {"n": [1, 2]}}, {"o": {"n": [2, 1]}}, DifferenceKind.ORDER),
        ({"o": {"n": 1}}, {"o": None}, DifferenceKind.MISSING),
    ],
)
def test_a_difference_has_a_kind(expected: dict | None, actual: dict | None, kind: DifferenceKind) -> None:
    assert [each.kind for each in disagreements(expected, actual)] == [kind]


@pytest.mark.parametrize(
    ("expected", "actual", "told"),
    [
        ({"uuid": "a", "n": 1}, None, ("", "a", None)),
        (None, {"uuid": "a", "n": 1}, ("", None, "a")),
        ({"n": 5}, {}, ("n", 5, None)),
        ({}, {"n": 5}, ("n", None, 5)),
        ({"n": [1, 2]}, {"n": [2]}, ("n", [1, 2], [2])),
    ],
)
def test_a_difference_tells_what_either_side_has(expected: dict | None, actual: dict | None, told: tuple) -> None:
    assert [(each.path, each.expected, each.actual) for each in disagreements(expected, actual)] == [told]


@pytest.mark.parametrize("record", [None, {}, {"n": Decimal(5)}, {"n": datetime(2024, 1, 1), "o": {"l": [1, None]}}])
def test_a_record_and_itself_do_not_differ(record: dict | None) -> None:
    assert disagreements(record, copy.deepcopy(record)) == ()


def test_a_time_without_a_zone_is_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        found = canonical(datetime(2024, 1, 1, 12), ("time",))
    time.tzset()

    assert found == "2024-01-01T12:00:00.000000"


def test_the_path_of_a_nested_difference_is_told() -> None:
    found = disagreements({"o": {"a": 1, "l": ["x", "y"]}}, {"o": {"a": 2, "l": ["x"]}})

    assert [each.path for each in found] == ["o.a", "o.l"]


def test_an_object_with_nothing_in_it_is_no_object() -> None:
    fields = [Field(path="o.uuid", columns=("t.uuid",), rules=()), Field(path="o.a", columns=("t.a",), rules=("text",))]

    expected = expected_record({"t": {"uuid": "x", "a": "_"}}, fields)

    assert disagreements(expected, actual_record({"o": None}, fields)) == ()


def test_an_object_with_something_in_it_is_one() -> None:
    fields = [Field(path=f"o.{name}", columns=(f"t.{name}",), rules=()) for name in ("uuid", "a", "b")]

    assert expected_record({"t": {"uuid": "x", "a": None, "b": 1}}, fields) == {"o": {"uuid": "x", "a": None, "b": 1}}
    assert actual_record(MappingProxyType({"o": MappingProxyType({"b": 1})}), fields)["o"]["b"] == 1


def test_the_first_column_that_is_not_empty_counts() -> None:
    field = Field(path="f", columns=("a.x", "b.x"), rules=("text",))

    assert expected_record({"a": {"x": "_"}, "b": {"x": "url"}}, [field]) == {"f": "url"}
    assert expected_record({"a": None, "b": {"x": "url"}}, [field]) == {"f": "url"}


def test_a_field_without_a_column_is_expected_to_be_null() -> None:
    field = Field(path="f", columns=(), rules=())

    assert [each.kind for each in disagreements({"f": None}, actual_record({"f": "x"}, [field]))] == [
        DifferenceKind.GHOST
    ]


BLEMISHES = [  # rule, what the database holds, what the service shows, whether that is a blemish
    ("text", "CTO", "CTO", False),
    ("text", ' "CTO" ', ' "CTO" ', False),  # as it is
    ("text", ' "CTO" ', "CTO", False),  # as the rule says
    ("text", ' "CTO" ', '"CTO"', False),  # on the way there
    ("text", "CTO", "CTO ", True),
    ("text", "CTO", '"CTO"', True),
    ("text", "_", "_", False),
    ("text", "_", None, False),
    ("text", None, "", False),
    ("text", None, "_", True),
    ("text", None, " ", True),
    ("text", "", "_", True),
    ("phone", "'+49 1", "+49 1", False),
    ("phone", "+49 1", "'+49 1", True),
    ("seniority", "_", "_", False),
    ("seniority", "VP", " VP", True),
    ("zero", 0, None, False),
    ("zero", 0, 0, False),
    ("zero", None, 0, True),
    ("zero", 1, True, False),  # told by disagreements()
    ("zero", True, 1, True),
    ("digits", 42, "42", False),  # this rule is about no form
    ("text", "CTO", "CEO", False),  # a difference, told by disagreements()
]


@pytest.mark.parametrize(("rule", "held", "shown", "blemish"), BLEMISHES)
def test_a_rule_needs_an_occasion(rule: str, held: object, shown: object, blemish: bool) -> None:
    field = Field(path="field", columns=("table.column",), rules=(rule,))

    found = blemishes({"table": {"column": held}}, {"field": shown}, [field])

    assert [each.path for each in found] == (["field"] if blemish else [])


@pytest.mark.parametrize(
    ("held", "shown", "kind"),
    [
        (("_", "url"), "url", None),
        (("_", "url"), "'url'", DifferenceKind.VALUE),
        (("url", "other"), "url ", DifferenceKind.VALUE),
        ((None, "_"), "_", None),
        (("_", None), "_", DifferenceKind.GHOST),
        (("_", None, ""), "", None),
        (("_",), "_", None),
        ((), "_", DifferenceKind.GHOST),
    ],
)
def test_of_several_columns_the_one_that_counts_gives_the_form(
    held: tuple, shown: str, kind: DifferenceKind | None
) -> None:
    field = Field(path="f", columns=tuple(f"t{number}.c" for number in range(len(held) or 2)), rules=("text",))

    found = blemishes({f"t{number}": {"c": value} for number, value in enumerate(held)}, {"f": shown}, [field])

    assert [(each.kind, each.actual) for each in found] == ([(kind, shown)] if kind else [])


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"o": {"a": 1}}, []),
        ({"o": {"a": 1}, "b": 2}, ["b"]),
        ({"o": {"a": 1, "c": [0]}}, ["o.c"]),
        ({"o": "text"}, ["o"]),
        ({"z": {"y": 1}}, ["z"]),
        ({"b": None, "c": "", "d": [], "e": {}, "f": "_"}, []),
        ({"jane@example.org": 1}, [f"{foreign('jane@example')}.{foreign('org')}"]),
    ],
)
def test_what_nobody_declared_is_a_ghost(body: dict, paths: list[str]) -> None:
    fields = [Field(path="o.a", columns=("t.a",), rules=())]

    assert [(each.path, each.kind) for each in blemishes({"t": {"a": 1}}, body, fields)] == [
        (path, DifferenceKind.GHOST) for path in paths
    ]


def test_ghosts_by_the_thousand_are_told_by_a_few() -> None:
    assert len(blemishes({}, {f"key{number}": number for number in range(1, 9_999)}, [])) == 20


@pytest.mark.parametrize(("shown", "paths"), [(None, []), ("x", []), ("y", ["f"])])
def test_what_is_not_required_has_to_be_right_all_the_same(shown: object, paths: list[str]) -> None:
    field = Field(path="f", columns=("t.f",), rules=(), required=False)

    assert disagreements(expected_record({"t": {"f": "x"}}, [field]), actual_record({"f": shown}, [field])) == ()
    assert [each.path for each in blemishes({"t": {"f": "x"}}, {"f": shown}, [field])] == paths


def test_what_is_the_services_own_may_be_anything() -> None:
    field = Field(path="id", columns=(), rules=(), required=False)

    assert blemishes({}, {"id": 5}, [field]) == ()


def test_values_leave_as_tokens() -> None:
    redactor = Pseudonymizer(b"key")
    (found,) = disagreements({"email": "jane@example.org"}, {"email": "june@example.org"})

    recorded = found.recorded(redactor)

    assert "@" not in recorded.expected + recorded.actual
    assert recorded.expected != recorded.actual
    assert recorded.expected == Pseudonymizer(b"key").token("jane@example.org")
    assert recorded.expected != Pseudonymizer(b"other").token("jane@example.org")


@pytest.mark.parametrize(("value", "shown"), [(None, "null"), ("", "''"), (0, "0"), ([], "[]"), (False, "false")])
def test_emptiness_is_shown_as_it_is(value: object, shown: str) -> None:
    assert Pseudonymizer(b"key").token(value) == shown


def test_rules_leave_other_types_alone() -> None:
    assert canonical({"a": 1}, ("text", "phone", "joined", "list", "zero", "digits", "time")) == {"a": 1}
