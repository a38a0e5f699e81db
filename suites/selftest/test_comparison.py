"""The comparison rules: what each excuses, and that it excuses nothing else."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reports.comparison import Field, actual_record, blemishes, canonical, disagreements, expected_record
from reports.observations import DifferenceKind
from reports.redaction import Redactor

EXCUSED = [
    ("text", "_", None),
    ("text", "", None),
    ("text", "  ", None),
    ("text", "'CTO'", "CTO"),
    ("text", "\"'CTO'\"", "CTO"),
    ("text", " CTO ", "CTO"),
    ("seniority", "", None),
    ("phone", "'+1555", "+1555"),
    ("joined", ["Sales", "R&D"], "Sales, R&D"),
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
        ({"n": None}, {"n": 5}, DifferenceKind.GHOST),
        ({"n": [1, 2]}, {"n": [2, 1]}, DifferenceKind.ORDER),
        ({"n": [1, 2]}, {"n": [1, 1, 2]}, DifferenceKind.DUPLICATE),
        ({"n": [1, 2, 3]}, {"n": [1, 2]}, DifferenceKind.TRUNCATED),
        ({"n": [1, 2]}, {"n": [1, 3]}, DifferenceKind.VALUE),
        ({"o": {"n": [1, 2]}}, {"o": {"n": [2, 1]}}, DifferenceKind.ORDER),
        ({"o": {"n": 1}}, {"o": None}, DifferenceKind.MISSING),
    ],
)
def test_a_difference_has_a_kind(expected: dict | None, actual: dict | None, kind: DifferenceKind) -> None:
    assert [each.kind for each in disagreements(expected, actual)] == [kind]


def test_the_path_of_a_nested_difference_is_told() -> None:
    found = disagreements({"o": {"a": 1, "l": ["x", "y"]}}, {"o": {"a": 2, "l": ["x"]}})

    assert [each.path for each in found] == ["o.a", "o.l"]


def test_an_object_with_nothing_in_it_is_no_object() -> None:
    fields = [Field(path="o.uuid", columns=("t.uuid",), rules=()), Field(path="o.a", columns=("t.a",), rules=("text",))]

    expected = expected_record({"t": {"uuid": "x", "a": "_"}}, fields)

    assert disagreements(expected, actual_record({"o": None}, fields)) == ()


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
    ("text", "CTO", "CEO", False),  # a difference, told by disagreements()
]


@pytest.mark.parametrize(("rule", "held", "shown", "blemish"), BLEMISHES)
def test_a_rule_needs_an_occasion(rule: str, held: object, shown: object, blemish: bool) -> None:
    field = Field(path="field", columns=("table.column",), rules=(rule,))

    found = blemishes({"table": {"column": held}}, {"field": shown}, [field])

    assert [each.path for each in found] == (["field"] if blemish else [])


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"o": {"a": 1}}, []),
        ({"o": {"a": 1}, "b": 2}, ["b"]),
        ({"o": {"a": 1, "c": [0]}}, ["o.c"]),
        ({"o": "text"}, ["o"]),
        ({"b": None, "c": "", "d": [], "e": {}}, []),
        ({"jane@example.org": 1}, ["(a name that can't be shown)"]),
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
    redactor = Redactor(b"key")
    (found,) = disagreements({"email": "jane@example.org"}, {"email": "june@example.org"})

    recorded = found.recorded(redactor)

    assert "@" not in recorded.expected + recorded.actual
    assert recorded.expected != recorded.actual
    assert recorded.expected == Redactor(b"key").token("jane@example.org")
    assert recorded.expected != Redactor(b"other").token("jane@example.org")


@pytest.mark.parametrize(("value", "shown"), [(None, "null"), ("", "''"), (0, "0"), ([], "[]"), (False, "false")])
def test_emptiness_is_shown_as_it_is(value: object, shown: str) -> None:
    assert Redactor(b"key").token(value) == shown


def test_rules_leave_other_types_alone() -> None:
    assert canonical({"a": 1}, ("text", "phone", "joined", "list", "zero", "digits", "time")) == {"a": 1}
