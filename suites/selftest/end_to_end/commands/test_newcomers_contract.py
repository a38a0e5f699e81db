"""A contract by a newcomer: the probe's draft, its blanks filled in by the draft's own words, and a phase by it."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fixtures.contracts import __main__ as contract_probe
from fixtures.contracts.contract import load
from fixtures.sandbox.settings import ROWS_DEFAULT
from fixtures.session.sandbox_process import OwnedSandbox
from suites.selftest.support.damaging_proxy import between
from suites.selftest.support.pytest_runs import env_file, run

pytestmark = pytest.mark.drill

MOVES = {  # where this deployment has what the guide has elsewhere
    "/api/v9/people/": "/api/v1/contacts/",
    "/api/v9/firms/": "/api/v1/companies/",
    "/api/v9/files/": "/api/v2/exports/",
    "/api/v9/mail/": "/api/v2/email/",
    "/api/v9/find/": "/api/v2/linkedin/",
}
KNOWN = {  # what its people can say, by table and key
    "records.contact.endpoint": "/api/v9/people/{uuid}/",
    "records.contact.not_found": "Contact not found",
    "records.company.endpoint": "/api/v9/firms/{uuid}/",
    "records.company.not_found": "Company not found",
    "company_contacts.listing": "/api/v9/firms/company/{uuid}/contacts/",
    "company_contacts.count": "/api/v9/firms/company/{uuid}/contacts/count/",
    "company_contacts.attribute": "/api/v9/firms/company/{uuid}/contacts/{attribute}/",
    "exports.status": "/api/v9/files/{id}/status",
    "exports.cancel": "/api/v9/files/{id}/cancel",
    "exports.kinds.contacts.create": "/api/v9/files/contacts/export",
    "exports.kinds.companies.create": "/api/v9/files/companies/export",
    "exports.kinds.emails.create": "/api/v9/mail/export",
    "linkedin.endpoint": "/api/v9/find/",
    "provenance.used_header": "X-VQL-Used",
}
_BLANK = re.compile(r'# (\w+) = ("[^"]*")  # fill in: .*')
_HEAD = re.compile(r"(?:# )?\[([\w.]+)\]")


def filled_in(draft: str) -> str:
    """The draft after its own advice: lines known in force, their tables too, their groups no longer absent."""
    lines: list[str] = []
    table, groups = "", set()
    for line in draft.splitlines():
        if head := _HEAD.fullmatch(line):
            table = head[1]
        blank = _BLANK.fullmatch(line)
        if blank and (value := KNOWN.get(f"{table}.{blank[1]}")):
            line = line.removeprefix("# ").replace(blank[2], f'"{value}"')
            groups.add(table.partition(".")[0])
            lines = [f"[{table}]" if before == f"# [{table}]" else before for before in lines]
        lines.append(line)
    removed = tuple(f'    "{group}' for group in groups)
    return "\n".join(line for line in lines if not line.startswith(removed)) + "\n"


@pytest.fixture(scope="module")
def moved(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file with the settings of a deployment that has its routes elsewhere."""
    sandbox = OwnedSandbox.start(checkout, rows=ROWS_DEFAULT, seed=7)
    try:
        with ExitStack() as proxies:
            moved = {
                name: proxies.enter_context(between(sandbox.values[name], (), MOVES)).url
                for name in ("CONTACT360_BASE_URL", "CONTACT360_BASELINE_URL")
            }
            yield env_file(tmp_path_factory.mktemp("settings") / "live.env", {**sandbox.values, **moved})
    finally:
        sandbox.stop()


def _signed_off(folder: Path) -> Path:
    """Sign-offs for the lines of phase 0 that only people can check."""
    today = datetime.now(UTC).date()
    lines = ("p0-alert-fallback", "p0-alert-errors", "prereq-rollback", "prereq-team")
    file = folder / "attestations.toml"
    until = today + timedelta(days=7)
    text = [f'[[attestation]]\nline = "{line}"\nwho = "J"\nwhen = {today}\nuntil = {until}\n' for line in lines]
    file.write_text("".join(text), encoding="utf-8")
    return file


def test_a_draft_that_is_filled_in_fits_and_its_phases_are_go(checkout: Path, tmp_path: Path, moved: Path) -> None:
    drafted, ours = tmp_path / "draft.toml", tmp_path / "ours.toml"
    first = contract_probe.main(["probe", "--env-file", str(moved), "--contract", "guide", "--draft", str(drafted)])
    ours.write_text(filled_in(drafted.read_text()), encoding="utf-8")

    second = contract_probe.main(["probe", "--env-file", str(moved), "--contract", str(ours)])
    phases = ("-m", "phase0 or phase1 or phase2", "--max-rps", "1000", "--attestations", str(_signed_off(tmp_path)))
    completed = run(checkout, tmp_path, *phases, "--contract", str(ours), "--env-file", str(moved), timeout_s=900)

    assert (first, second) == (contract_probe.DIFFERS, contract_probe.FITS)
    assert load(str(ours)).absent == {}
    assert {name: phase["verdict"] for name, phase in completed.verdict["phases"].items()} == dict.fromkeys(
        ("phase0", "phase1", "phase2"), "GO"
    ), completed.printed[-6000:]


def test_a_draft_on_top_of_a_contract_of_ones_own_finds_it(tmp_path: Path, moved: Path) -> None:
    ours, further = tmp_path / "ours.toml", tmp_path / "further" / "next.toml"
    further.parent.mkdir()
    ours.write_text('schema = 1\nname = "ours"\nbased_on = "guide"\n', encoding="utf-8")

    contract_probe.main(["probe", "--env-file", str(moved), "--contract", str(ours), "--draft", str(further)])

    assert 'based_on = "../ours.toml"' in further.read_text()
    assert load(str(further)).linkedin is None
