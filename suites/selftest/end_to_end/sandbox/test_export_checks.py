"""A file against the database: which damage is reported of which file, which path made it, and the cause."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.checks.batch_runner import BatchDifferences
from fixtures.checks.cases import Sample
from fixtures.checks.check import Response
from fixtures.checks.exports.cases import ExportRequest
from fixtures.checks.exports.email_check import EmailExportCheck, ExpectedEmails
from fixtures.checks.exports.email_oracle import EmailSubject, ExpectedAddresses, invented_person
from fixtures.checks.exports.file_check import ExportFileCheck
from fixtures.checks.exports.jobs import ExportJob
from fixtures.contracts.contract import load
from reports.records.records import DifferenceKind, Observation, Provenance

CONTRACT = load("guide")
KIND = CONTRACT.exports.kinds["contacts"]  # type: ignore[union-attr]
COLUMNS = [column.name for column in KIND.columns]
PEOPLE = {"a": "José", "b": "Bob", "c": "Cy"}
OLD = datetime(2020, 1, 1)
Lines = list[dict[str, str]]


def _tables(key: str) -> dict[str, Any]:
    """The rows of one contact: a name, a title that is null, an employer with an address and no metadata."""
    contact = {column.source.partition(".")[2]: None for column in KIND.columns}
    contact |= {
        "uuid": key,
        "first_name": PEOPLE[key],
        "departments": ["r", "d"],
        "company_id": f"co-{key}",
        "created_at": OLD,
        "updated_at": OLD,
    }
    company = {**dict.fromkeys(contact), "uuid": f"co-{key}", "address": f"{key} Street", "employees_count": 0}
    return {"contacts": contact, "contacts_metadata": None, "companies": company, "companies_metadata": None}


def _line(key: str) -> dict[str, str]:
    """How VQL prints that contact."""
    shown = {
        "contact_uuid": key,
        "contact_first_name": PEOPLE[key],
        "contact_departments": "r, d",
        "contact_company_id": f"co-{key}",
        "contact_created_at": "2020-01-01T00:00:00+00:00",
        "contact_updated_at": "2020-01-01T00:00:00+00:00",
        "company_uuid": f"co-{key}",
        "company_address": f"{key} Street",
        "company_name": "",
        "company_employees_count": "",
    }
    return {**dict.fromkeys(COLUMNS, ""), **shown}


def _file(lines: Lines, encoding: str = "utf-8") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return file.getvalue().encode(encoding)


class _Jobs:
    """Gives one file, or one error."""

    def __init__(self, content: bytes, error: str | None = None, signals: tuple[str, ...] = ()) -> None:
        self._content = content
        self._answer = Observation(side="backend", status=200, error=error, signals=signals)

    @contextmanager
    def run(self, *_: Any, **__: Any) -> Iterator[ExportJob]:
        file = None if self._answer.error else io.BytesIO(self._content)
        yield ExportJob(
            export_id="e", request_id="gate-1", answer=self._answer, headers=(), requests={}, complaints=(), file=file
        )


class _Diagnosis:
    def matches_all(self, _: Any, **__: Any) -> bool:
        return False

    def of_record(self, *_: Any, **__: Any) -> str:
        return "field-mapping"

    def of_failure(self, *_: Any) -> str:
        return "backend-errors"


def _exports(jobs: _Jobs, check_class: type[ExportFileCheck] = ExportFileCheck, kind: Any = KIND) -> ExportFileCheck:
    database = SimpleNamespace(records=lambda _, keys: {key: {} for key in keys if key in (*PEOPLE, "known")})
    target = SimpleNamespace(contract=CONTRACT, diagnosis=_Diagnosis(), connectra=None, database=database)
    return check_class(target, jobs, kind, "small", flag_on=True, deadline_s=1)  # type: ignore[arg-type]


QUESTION = Sample(
    key="small-1", stratum="plain", subject=ExportRequest(kind="contacts", keys=("a", "b", "c"), strata={})
)
EXPECTED = {key: _tables(key) for key in PEOPLE}


def _compared(content: bytes, sample: Sample = QUESTION) -> tuple[ExportFileCheck, Response, BatchDifferences]:
    exports = _exports(_Jobs(content))
    response = exports.ask(sample)
    return exports, response, exports.parts(sample, EXPECTED, response)


def _right() -> Lines:
    return [_line(key) for key in PEOPLE]


def test_the_file_of_an_order_is_equal() -> None:
    _, response, parts = _compared(_file(_right()))

    assert parts == BatchDifferences(records={"a": (), "b": (), "c": ()})
    assert response.answer.provenance is Provenance.VQL


def _without(*keys: str) -> Callable[[Lines], Lines]:
    return lambda lines: [line for line in lines if line["contact_uuid"] not in keys]


def _with(column: str, value: str, *keys: str) -> Callable[[Lines], Lines]:
    return lambda lines: [
        {**line, column: value} if line["contact_uuid"] in (keys or PEOPLE) else line for line in lines
    ]


@pytest.mark.parametrize(
    ("damage", "wrong", "cause"),
    [
        (_without("c"), "c", "export-truncated"),
        (_without("a"), "a", "export-incomplete"),
        (_without("a", "b", "c"), "abc", "export-header-only"),
        (lambda lines: [*lines, *lines], "abc", "export-doubled"),
        (_with("company_address", ""), "abc", "export-blank"),
        (_with("company_address", "None", "b"), "b", "field-mapping"),
        (_with("contact_first_name", "Bo", "b"), "b", "field-mapping"),
        (_with("contact_title", "CEO", "b"), "b", "field-mapping"),
        (_with("contact_uuid", "x", "b"), "bx", "export-wrong-person"),
        (
            lambda lines: _with("contact_first_name", "Cy", "a")(
                _with("contact_first_name", "José", "b")(_with("contact_first_name", "Bob", "c")(lines))
            ),
            "abc",
            "export-shifted",
        ),
    ],
    ids=[
        "last-gone",
        "first-gone",
        "all-gone",
        "twice",
        "blank",
        "none-for-value",
        "value",
        "ghost-cell",
        "stranger",
        "moved-down",
    ],
)
def test_damage_to_a_record_is_found_at_that_record_and_named(
    damage: Callable[[Lines], Lines], wrong: str, cause: str
) -> None:
    exports, response, parts = _compared(_file(damage(_right())))

    wrong_records = {key: record for key, record in parts.records.items() if record}
    causes = {
        exports.cause_of_record(QUESTION, key, EXPECTED.get(key), response, differences, parts)
        for key, differences in wrong_records.items()
    }
    assert ("".join(sorted(wrong_records)), causes) == (wrong, {cause})


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (_file(_right(), "latin-1"), "export-encoding"),
        (b"\xef\xbb\xbf" + _file(_right()), "export-encoding"),
        (_file(_right())[:-90], "export-truncated"),
        (_file(_right()).replace(b"contact_title,", b""), "export-malformed"),
        (b"", "export-malformed"),
        (_file(list(reversed(_right()))), "export-disorder"),
    ],
    ids=["latin-1", "bom", "cut", "header-lacks", "nothing", "reversed"],
)
def test_damage_to_the_file_is_named(content: bytes, cause: str) -> None:
    exports, response, parts = _compared(content)

    assert parts.file or parts.damages
    assert exports.cause_of_bundle(QUESTION, response, parts, ()) == cause


def _separated(mark: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=mark, lineterminator="\n", quoting=quoting).writerows(  # type: ignore[arg-type]
        csv.reader(io.StringIO(_file(_right()).decode(), newline=""))
    )
    return file.getvalue().encode()


@pytest.mark.parametrize(
    ("content", "causes"),
    [
        (_separated(";"), {"export-malformed"}),
        (_separated(";", csv.QUOTE_ALL), {"export-malformed"}),
        (_separated("\t"), {"export-malformed"}),
        (_separated("|"), {"export-malformed"}),
        (b"<html><body>Please log in</body></html>", {"export-malformed"}),
        (b'{"detail": "not found"}', {"export-malformed"}),
        (b"sep=;\n" + _separated(";"), {"export-malformed"}),
        (_file(_right(), "utf-16"), {"export-encoding"}),
        (_file(_right(), "utf-16-le"), {"export-encoding"}),
        (gzip.compress(_file(_right())), {"export-encoding"}),
        (_file(_right()).replace(b"\nb,", b"\nb;", 1), {"export-malformed"}),
        (
            _file([*_right(), {**_line("b"), "contact_uuid": "known"}]) + b"d;\n",
            {"export-malformed", "export-wrong-person"},
        ),
    ],
    ids=[
        *("semicolons", "semicolons-and-quotes", "tabs", "bars", "page", "json", "separator-line", "utf-16"),
        *("utf-16-without-a-mark", "gzip", "one-row", "one-row-beside-another-person"),
    ],
)
def test_rows_of_a_file_that_can_not_be_read_are_no_other_people(content: bytes, causes: set[str]) -> None:
    exports, response, parts = _compared(content)

    wrong = {key: record for key, record in parts.records.items() if record}
    named = {exports.cause_of_record(QUESTION, key, None, response, record, parts) for key, record in wrong.items()}
    assert named == causes
    assert exports.cause_of_bundle(QUESTION, response, parts, ()) in causes


@pytest.mark.parametrize(
    ("times", "provenance"),
    [
        ("2020-01-01T00:00:00", Provenance.DIRECT),
        ("2020-01-01T00:00:00+00:00", Provenance.VQL),
        ("", Provenance.UNKNOWN),
    ],
)
def test_the_form_of_times_in_a_file_shows_which_path_made_it(times: str, provenance: Provenance) -> None:
    _, response, _ = _compared(_file(_with("contact_created_at", times)(_right())))

    assert response.answer.provenance is provenance


def test_one_row_of_the_direct_path_gives_the_file_away() -> None:
    _, response, _ = _compared(_file(_with("contact_created_at", "2020-01-01T00:00:00", "b")(_right())))

    assert response.answer.provenance is Provenance.DIRECT


def test_an_unknown_record_must_not_be_in_the_file() -> None:
    order = ExportRequest(kind="contacts", keys=("a", "x", "c"), strata={"x": "unknown"})
    sample = Sample(key="small-2", stratum="unknown", subject=order)

    _, _, right = _compared(_file(_without("b")(_right())), sample)
    _, _, wrong = _compared(_file([_line("a"), {**_line("b"), "contact_uuid": "x"}, _line("c")]), sample)

    assert right == BatchDifferences(records={"a": (), "x": (), "c": ()})
    assert [record.kind for record in wrong.records["x"]] == [DifferenceKind.GHOST]


def test_a_record_that_is_ordered_twice_is_in_the_file_twice() -> None:
    order = ExportRequest(kind="contacts", keys=("a", "b", "a"), strata={})
    sample = Sample(key="small-3", stratum="repeated", subject=order)

    _, _, right = _compared(_file([_line("a"), _line("b"), _line("a")]), sample)
    _, _, wrong = _compared(_file([_line("a"), _line("b")]), sample)

    assert right.damages == ()
    assert [record.kind for record in wrong.records["a"]] == [DifferenceKind.MISSING]


@pytest.mark.parametrize(
    ("error", "signals", "cause"),
    [
        ("stuck", ("step:status",), "export-stuck"),
        ("http-404", ("step:download",), "export-link"),
        ("foreign-host", ("step:download",), "export-link"),
        ("export-failed", ("step:status",), "export-failed"),
        ("export-failed", ("step:status", "said:upstream"), "upstream-errors"),
        ("http-500", ("step:create",), "backend-errors"),
    ],
)
def test_an_export_without_a_file_has_a_cause(error: str, signals: tuple[str, ...], cause: str) -> None:
    exports = _exports(_Jobs(b"", error, signals))

    answer = exports.ask(QUESTION).answer

    assert exports.cause_of_error(QUESTION, answer) == cause


EMAILS = CONTRACT.exports.kinds["emails"]  # type: ignore[union-attr]
JANE = EmailSubject(first_name="Jane", last_name="Roe", domain="acme.example")
ASKED = Sample(
    key="small-1", stratum="plain", subject=ExportRequest(kind="emails", keys=("a", "x"), strata={}, people={"a": JANE})
)
HELD = {
    "a": ExpectedEmails(person=JANE, addresses=ExpectedAddresses(addresses=("jane@acme.example",))),
    "x": ExpectedEmails(person=invented_person("x"), addresses=ExpectedAddresses()),
}


def _emails(*addresses: str) -> bytes:
    """A file with these addresses for Jane and the stranger."""
    people = [("a", JANE), ("x", invented_person("x"))]
    rows = [
        f"{key},{subject.first_name},{subject.last_name},{subject.domain},{address}\r\n"
        for (key, subject), address in zip(people, addresses, strict=True)
    ]
    return ("contact_uuid,first_name,last_name,domain,email\r\n" + "".join(rows)).encode()


@pytest.mark.parametrize(
    ("addresses", "kinds"),
    [
        (("jane@acme.example", ""), {"a": [], "x": []}),
        (("joe@acme.example", ""), {"a": [DifferenceKind.VALUE], "x": []}),
        (("", ""), {"a": [DifferenceKind.MISSING], "x": []}),
        (("jane@acme.example", "joe@acme.example"), {"a": [], "x": [DifferenceKind.GHOST]}),
    ],
    ids=["right", "somebody-elses", "none", "for-nobody"],
)
def test_an_address_is_the_right_one_or_none(
    addresses: tuple[str, ...], kinds: dict[str, list[DifferenceKind]]
) -> None:
    exports = _exports(_Jobs(_emails(*addresses)), EmailExportCheck, EMAILS)

    parts = exports.parts(ASKED, HELD, exports.ask(ASKED))

    assert {key: [difference.kind for difference in differences] for key, differences in parts.records.items()} == kinds


def test_an_e_mail_export_is_given_rows_with_a_key_to_know_them_by() -> None:
    body = _exports(_Jobs(b""), EmailExportCheck, EMAILS).body(ASKED.subject)

    assert [row["contact_uuid"] for row in body["rows"]] == ["a", "x"]
    assert body["contacts"][0] == {"first_name": "Jane", "last_name": "Roe", "domain": "acme.example"}
    assert body["contacts"][1]["domain"].endswith(".invalid")
