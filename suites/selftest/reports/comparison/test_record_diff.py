"""One comparison for every family: what has to be shown, and that nothing else passes."""

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from reports.comparison.canonical import canonical
from reports.comparison.record_diff import (
    TWICE,
    Field,
    RawDifference,
    record_differences,
    surplus_keys,
)
from reports.comparison.shown_forms import Form
from reports.records.foreign_text import foreign
from reports.records.records import DifferenceKind
from reports.records.redaction import Pseudonymizer

MIDNIGHT = datetime(2024, 1, 1, 12)
MEANS_THE_SAME = [
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

MEANS_ANOTHER = [
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


@pytest.mark.parametrize(("rule", "first", "second"), MEANS_THE_SAME)
def test_values_that_mean_the_same_have_one_canonical_form(rule: str, first: object, second: object) -> None:
    assert canonical(first, (rule,)) == canonical(second, (rule,))


@pytest.mark.parametrize(("rule", "first", "second"), MEANS_ANOTHER)
def test_a_canonical_form_joins_nothing_else(rule: str, first: object, second: object) -> None:
    left, right = (canonical(value, (rule,)) for value in (first, second))

    assert (left, type(left)) != (right, type(right))


SHOWN = [  # rule, form, what is stored, what has to be shown, what must not be
    ("text", "normalised", "CTO", ["CTO"], ["CTO ", " CTO", "'CTO'", "cto", None, ["CTO"]]),
    ("text", "normalised", " 'CTO' ", ["CTO"], [" 'CTO' ", "'CTO'"]),
    ("text", "normalised", "_", [None], ["_", "", "-"]),
    ("text", "normalised", None, [None], ["_", "", " ", 0, [], "None"]),
    ("text", "stored", " 'CTO' ", [" 'CTO' "], ["CTO", "'CTO'", None]),
    ("text", "stored", "_", ["_"], [None, ""]),
    ("text", "stored", "", [""], [None, "_"]),
    ("text", "sparse", "", ["", None], ["_", " ", 0]),
    ("text", "sparse", "_", ["_"], [None, ""]),
    ("text", "sparse", None, [None], ["", "_", 0]),
    ("text", "indexed", None, [None, "", [], 0], ["_", " "]),
    ("seniority", "normalised", "_", ["_"], [None, " _"]),
    ("phone", "normalised", "'+49 1", ["+49 1"], ["'+49 1"]),
    ("phone", "normalised", "+49 1", ["+49 1"], ["'+49 1"]),
    ("joined", "normalised", ["a", "b"], ["a, b"], [["a", "b"], "a,b", "b, a", "a"]),
    ("joined", "normalised", [], [None], ["", []]),
    ("list", "normalised", ["a", "b"], [["a", "b"]], ["a, b", ["b", "a"], ["a"], None]),
    ("list", "normalised", None, [[]], [None, ""]),
    ("list", "sparse", [], [[], None], ["", 0]),
    ("zero", "normalised", 0, [0], [None, "0", 0.0, False]),
    ("zero", "normalised", None, [None], [0, ""]),
    ("zero", "sparse", 0, [0, None], ["0", False]),
    ("zero", "sparse", None, [None], [0]),
    ("digits", "normalised", 42, ["42"], [42, "42.0", None]),
    ("digits", "normalised", 0, ["0"], [None, 0]),
    (
        "time",
        "normalised",
        MIDNIGHT,
        ["2024-01-01T12:00:00", "2024-01-01T12:00:00Z", "2024-01-01T13:00:00.0+01:00"],
        [
            "2024-01-01 12:00:00Z",
            "20240101T120000Z",
            "2024-01-01T12:00:01",
            "2024-01-01T12:00Z",
            1704110400,
            None,
            "2024-01-01t12:00:00Z",
            "yesterday",
            "2024-01-01T12:00:00+0100",
        ],
    ),
    ("time", "normalised", None, [None], ["", "2024-01-01T12:00:00Z"]),
]


@pytest.mark.parametrize(("rule", "form", "stored", "right", "wrong"), SHOWN)
def test_one_form_is_right(rule: str, form: str, stored: object, right: list[object], wrong: list[object]) -> None:
    field = Field(path="f", columns=("t.c",), rules=(rule,), form=Form(form))

    def differs(shown: object) -> bool:
        return bool(record_differences({"t": {"c": stored}}, {"f": shown}, [field]))

    assert [shown for shown in right if differs(shown)] == []
    assert [shown for shown in wrong if not differs(shown)] == []


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("stored", ["x", None, ""])
def test_a_named_key_is_there_unless_the_form_leaves_out_what_is_empty(form: Form, stored: object) -> None:
    field = Field(path="f", columns=("t.c",), rules=("text",), form=form)
    may_lack = form in (Form.SPARSE, Form.INDEXED) and stored != "x"

    assert bool(record_differences({"t": {"c": stored}}, {}, [field])) is not may_lack


@pytest.mark.parametrize(
    ("stored", "shown", "kind"),
    [
        (5, "5", DifferenceKind.FORM),
        (5, 5.0, DifferenceKind.FORM),
        (1, True, DifferenceKind.TYPE),
        (None, "_", DifferenceKind.FORM),
        (None, "", DifferenceKind.FORM),
        (None, 0, DifferenceKind.GHOST),
        ("a", ' "a" ', DifferenceKind.FORM),
        ("a, b", ["a", "b"], DifferenceKind.FORM),
        (5, 6, DifferenceKind.VALUE),
        (5, None, DifferenceKind.MISSING),
        (None, 5, DifferenceKind.GHOST),
        ([1, 2], [2, 1], DifferenceKind.ORDER),
        ([1, 2], [1, 1, 2], DifferenceKind.DUPLICATE),
        ([1, 2, 3], [1, 2], DifferenceKind.TRUNCATED),
        ([1, 2], [1, 3], DifferenceKind.VALUE),
        ([1, 1, 2], [1, 2, 2], DifferenceKind.VALUE),
    ],
)
def test_a_difference_has_a_kind(stored: object, shown: object, kind: DifferenceKind) -> None:
    field = Field(path="n", columns=("t.n",), rules=())

    (difference,) = record_differences({"t": {"n": stored}}, {"n": shown}, [field])

    assert (difference.path, difference.kind, difference.expected, difference.actual) == ("n", kind, stored, shown)


@pytest.mark.parametrize(
    ("rule", "stored", "shown"),
    [
        ("text", "CTO", "CTO "),
        ("text", "caf\u00e9 au lait", "cafe\u0301 au\u00a0lait\u200b"),
        ("joined", ["a"], ["a"]),
        ("digits", 5, 5),
        ("time", MIDNIGHT, "2024-01-01 12:00:00Z"),
        ("time", MIDNIGHT, "2024-01-01t12:00:00z"),
        ("time", MIDNIGHT, 1704110400),
        ("time", MIDNIGHT, 1704110400000),
    ],
)
def test_the_right_value_in_a_wrong_form_is_called_so(rule: str, stored: object, shown: object) -> None:
    field = Field(path="n", columns=("t.n",), rules=(rule,))

    assert [
        record_difference.kind for record_difference in record_differences({"t": {"n": stored}}, {"n": shown}, [field])
    ] == ["form"]


UUID = Field(path="uuid", columns=("t.uuid",), rules=())


@pytest.mark.parametrize(
    ("tables", "body", "expected_differences"),
    [
        ({"t": {"uuid": "a"}}, None, ("", "missing", "a", None)),
        (None, {"uuid": "a"}, ("", "ghost", None, "a")),
        ({"t": {"uuid": "a"}}, {"uuid": "b"}, ("uuid", "identity", "a", "b")),
        ({"t": {"uuid": "a"}}, {}, ("uuid", "identity", "a", None)),
    ],
)
def test_another_record_or_none_is_reported(tables: Any, body: Any, expected_differences: tuple[Any, ...]) -> None:
    differences = record_differences(tables, body, [UUID])

    assert [
        (difference.path, difference.kind, difference.expected, difference.actual) for difference in differences
    ] == [expected_differences]
    assert record_differences(None, None, [UUID]) == ()


OBJECT = [Field(path=f"o.{name}", columns=(f"t.{name}",), rules=("text",)) for name in ("uuid", "a")]


@pytest.mark.parametrize(
    ("row", "shown", "expected_differences"),
    [
        ({"uuid": "x", "a": None}, {"uuid": "x", "a": None}, []),
        ({"uuid": "x", "a": None}, None, [("o", "missing")]),
        ({"uuid": "x", "a": "1"}, None, [("o", "missing")]),
        ({"uuid": "x", "a": "1"}, "text", [("o", "type")]),
        ({"uuid": "x", "a": "1"}, {"uuid": "x", "a": "2"}, [("o.a", "value")]),
        ({"uuid": "x", "a": "1"}, {"uuid": "x"}, [("o.a", "missing")]),
        ({"uuid": "x", "a": "1"}, {"uuid": "x", "a": "1", "b": None}, [("o.b", "undeclared")]),
        (None, None, []),
        (None, {"uuid": None, "a": None}, [("o", "ghost")]),
        (None, {"uuid": "x", "a": "1"}, [("o", "ghost")]),
        (None, {}, [("o", "ghost"), ("o.a", "absent"), ("o.uuid", "absent")]),
    ],
)
def test_an_object_is_there_where_its_row_is(
    row: Any, shown: object, expected_differences: list[tuple[str, str]]
) -> None:
    differences = record_differences({"t": row}, {"o": shown}, OBJECT)

    assert [(difference.path, difference.kind) for difference in differences] == expected_differences


def test_an_object_that_is_null_has_its_key() -> None:
    assert [record_difference.kind for record_difference in record_differences({"t": None}, {}, OBJECT)] == [
        DifferenceKind.ABSENT
    ]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"b": 2}, ["b"]),
        ({"notes": 2}, [foreign("notes")]),
        ({"b": None, "c": "", "d": [], "e": {}, "f": "_"}, ["b", "c", "d", "e", "f"]),
        ({"jane@example.org": 1}, [f"{foreign('jane@example')}.{foreign('org')}"]),
        ({f"n{TWICE}": 1}, [f"n{TWICE}"]),
        ({"o.n": 1}, ["o.n"]),
    ],
)
def test_a_key_that_the_contract_does_not_name_is_undeclared(body: dict[str, object], paths: list[str]) -> None:
    fields = [Field(path="n", columns=("t.n",), rules=()), Field(path="o.n", columns=("t.n",), rules=())]
    differences = record_differences({"t": {"n": 1}}, {"n": 1, "o": {"n": 1}, **body}, fields)

    assert [(difference.path, difference.kind) for difference in differences] == [
        (path, DifferenceKind.UNDECLARED) for path in paths
    ]
    assert [surplus_key.path for surplus_key in surplus_keys({"n": 1, **body}, {"n"})] == paths


def test_thousands_of_undeclared_keys_are_shown_by_a_few() -> None:
    assert len(record_differences({}, {f"key{number}": number for number in range(1, 9_999)}, [])) == 20


@pytest.mark.parametrize(("shown", "paths"), [(None, []), ("x", []), ("y", ["f"])])
def test_what_may_be_absent_has_to_be_right_where_it_is_shown(shown: object, paths: list[str]) -> None:
    field = Field(path="f", columns=("t.f",), rules=(), required=False)

    assert [
        record_difference.path for record_difference in record_differences({"t": {"f": "x"}}, {"f": shown}, [field])
    ] == paths
    assert record_differences({"t": {"f": "x"}}, {}, [field]) == ()


def test_what_is_the_services_own_may_be_anything() -> None:
    assert record_differences({}, {"id": 5}, [Field(path="id", columns=(), rules=(), required=False)]) == ()


def test_a_field_without_a_column_is_null() -> None:
    field = Field(path="f", columns=(), rules=())

    assert record_differences({}, {"f": None}, [field]) == ()
    assert [record_difference.kind for record_difference in record_differences({}, {"f": "x"}, [field])] == [
        DifferenceKind.GHOST
    ]


@pytest.mark.parametrize(
    ("columns", "shown", "stored"),
    [
        (("_", "url"), "url", "_"),
        (("url", "other"), "url", "url"),
        ((None, "url"), "url", "url"),
        (("", "_"), None, "_"),
    ],
)
def test_the_first_column_that_is_not_empty_counts(columns: tuple[object, ...], shown: object, stored: object) -> None:
    field = Field(path="f", columns=("a.x", "b.x"), rules=("text",))
    tables = {name: {"x": value} for name, value in zip("ab", columns, strict=True)}

    assert record_differences(tables, {"f": shown}, [field]) == ()
    assert [record_difference.stored for record_difference in record_differences(tables, {"f": "other!"}, [field])] == [
        stored
    ]


def test_a_time_without_a_zone_is_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        text = canonical(datetime(2024, 1, 1, 12), ("time",))
    time.tzset()

    assert text == "2024-01-01T12:00:00.000000"


def test_values_leave_as_tokens() -> None:
    redactor = Pseudonymizer(b"key")
    difference = RawDifference(
        path="email", kind=DifferenceKind.VALUE, expected="jane@example.org", actual="june@example.org"
    )

    recorded = difference.recorded(redactor)

    assert "@" not in recorded.expected + recorded.actual
    assert recorded.expected != recorded.actual
    assert recorded.expected == Pseudonymizer(b"key").token("jane@example.org")
    assert recorded.expected != Pseudonymizer(b"other").token("jane@example.org")


@pytest.mark.parametrize(("value", "shown"), [(None, "null"), ("", "''"), (0, "0"), ([], "[]"), (False, "false")])
def test_emptiness_is_shown_as_it_is(value: object, shown: str) -> None:
    assert Pseudonymizer(b"key").token(value) == shown


def test_rules_leave_other_types_alone() -> None:
    assert canonical({"a": 1}, ("text", "phone", "joined", "list", "zero", "digits", "time")) == {"a": 1}
