"""Writes docs/reference: pages made of the tables that the code itself reads.

python -m suites.reference            write the pages
python -m suites.reference --check    write nothing; exit with 1 if a page is not as it would be written
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from fixtures.sandbox.faults.catalogue import CATALOGUE
from fixtures.session.options import OPTIONS, VARIABLES
from fixtures.settings.settings import IDENTITY, LIVE, PROBES, SWITCHES
from reports.history import guide_coverage
from reports.judge.criteria import Gate, read_gate
from reports.plugin.options import Option
from reports.publish import FILES

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- made by `python -m suites.reference`; a self-test checks it -->\n\n"


def pages() -> Mapping[str, str]:
    """The text of every page by its file name."""
    makers: Mapping[str, Callable[[], str]] = {
        "options.md": _options,
        "settings.md": _settings,
        "markers.md": _markers,
        "messages.md": _messages,
        "criteria.md": _criteria,
        "coverage.md": _coverage,
        "run-folder.md": _run_folder,
        "faults.md": _faults,
    }
    return {name: MADE + maker() for name, maker in makers.items()}


def gates() -> tuple[Gate, ...]:
    """The gates of all phases, in the order of their folders."""
    paths = sorted(ROOT.glob("suites/*/gate.toml"))
    return tuple(read_gate(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))) for path in paths)


def _options() -> str:
    def row(option: Option) -> tuple[str, str, str]:
        name = f"{option.name} {option.value}".strip()
        default = "" if option.default is None else f" (default: `{option.default}`)"
        return f"`{name}`", f"`{option.variable}`", f"{option.text}{default}"

    table = _table(("option", "environment variable", "meaning"), map(row, OPTIONS))
    further = _table(("variable", "meaning"), ((f"`{name}`", text) for name, text in VARIABLES.items()))
    return (
        "# Options\n\nOptions of a run (`pytest -m phase1 ...`). An option that is not given takes the value of its "
        f"environment variable.\n\n{table}\n## Variables without an option\n\n{further}\nA Pushgateway or webhook that "
        "fails costs a note and nothing else. Notes name its host only: the rest of the address may be a secret.\n"
    )


def _settings() -> str:
    groups = {
        "The target": LIVE,
        "Memory of the backend": PROBES,
        "Certificates": IDENTITY,
        "Flags, as the deployment has them": SWITCHES,
    }
    parts = [
        f"## {title}\n\n{_table(('setting', 'meaning'), ((f'`{name}`', text) for name, text in table.items()))}"
        for title, table in groups.items()
    ]
    return (
        "# Settings of a live target\n\nThey come from the environment or from `--env-file`; the environment wins. "
        "Any of the first group makes the target live. A target with a part of them missing is one error that names "
        "what is missing. Certificates are always verified.\n\n" + "\n".join(parts)
    )


def _markers() -> str:
    with (ROOT / "pyproject.toml").open("rb") as file:
        lines: list[str] = tomllib.load(file)["tool"]["pytest"]["markers"]
    rows = [(f"`{name}`", text) for name, _, text in (line.partition(": ") for line in lines)]
    return f"# Markers\n\n`pytest -m MARKER`. A misspelt marker is an error.\n\n{_table(('marker', 'tests'), rows)}"


def _messages() -> str:
    with (ROOT / "suites" / "messages.toml").open("rb") as file:
        entries: list[dict[str, str]] = tomllib.load(file)["message"]
    rows = [(f"`{entry['message']}`", entry["do"]) for entry in entries]
    return f"# Messages, and what to do\n\n{_table(('message', 'what to do'), rows)}"


def _criteria() -> str:
    parts = [
        f"## {gate.phase}: {gate.title}\n\n"
        + _table(
            ("criterion", "kind", "the guide", "reason"),
            ((f"`{criterion.id}`", criterion.kind, criterion.guide, criterion.reason) for criterion in gate.criteria),
        )
        for gate in gates()
    ]
    return "# Criteria of each phase\n\n" + "\n".join(parts)


def _coverage() -> str:
    lines = guide_coverage.read_lines((ROOT / "suites" / "guide_lines.toml").read_text(encoding="utf-8"))
    return (
        "# The guide, line by line\n\nEvery line of the rollout guide that can be checked, and the criteria that check "
        "it (`phase/criterion`). Lines that only people can check need a sign-off (`--attestations`).\n\n"
        + guide_coverage.table(lines, gates())
    )


def _run_folder() -> str:
    rows = ((f"`{name}`", text) for name, text in FILES.items())
    return (
        "# The run folder\n\n`reports/out/<run-id>/`; the link `reports/out/latest` names the newest.\n\n"
        + _table(("file", "content"), rows)
        + "\n`python -m reports RUN_FOLDER` judges a folder again, also one whose run was killed (then HOLD).\n"
    )


def _faults() -> str:
    rows = (
        (
            f"`{fault.text}`",
            fault.where,
            fault.sentence,
            ", ".join(fault.phases),
            f"`{fault.cause}`" if fault.cause else "",
        )
        for fault in CATALOGUE
    )
    return (
        "# Faults of the sandbox\n\n`pytest -m phase1 --fault NAME[:ARG]` injects one. `pytest -m drill` proves that "
        "each breaks its criteria and gets its cause. A live target has none.\n\n"
        + _table(("fault", "where", "what goes wrong", "phases", "cause"), rows)
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m suites.reference", description="Write docs/reference.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page has changed")
    options = parser.parse_args(arguments)
    stale = [name for name, text in pages().items() if _differs(FOLDER / name, text)]
    for name in stale:
        if not options.check:
            (FOLDER / name).write_text(pages()[name], encoding="utf-8")
        print(f"docs/reference/{name}: {'not as it would be written' if options.check else 'written'}")
    return 1 if options.check and stale else 0


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text(encoding="utf-8") != text


if __name__ == "__main__":
    sys.exit(main())
