"""summary.html: one self-contained page for the person who decides. No script, no outside request, prints well."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reports import charts, wording
from reports.ledger import Recorded
from reports.observations import Outcome, Pair, Sample
from reports.wording import Entry

SHOWN = 10  # mismatches per criterion on the page; all of them are in evidence/

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1e21;--soft:#5a6068;--line:#d9dce0;--paper:#fff;--go:#0b6b3a;--no:#a61b1b;--hold:#7a5200}
@media(prefers-color-scheme:dark){:root{--ink:#e8e9eb;--soft:#a9b0b8;--line:#3a3f45;--paper:#17191c;--go:#5fd39a;--no:#ff9a92;--hold:#f0c060}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:66rem;margin:0 auto;padding:1.5rem 1rem 4rem}h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem}p{margin:.3rem 0}.soft{color:var(--soft)}
.GO{color:var(--go)}.NO-GO{color:var(--no)}.HOLD{color:var(--hold)}.met{color:var(--go)}.missed{color:var(--no)}.unmeasured{color:var(--hold)}
.verdict{border-left:.5rem solid currentColor;padding:.2rem 0 .2rem 1rem;margin:0 0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.5rem .6rem;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft);font-size:.85rem}td.o{white-space:nowrap;font-weight:600}small{color:var(--soft);display:block}
code,pre{font:.9em ui-monospace,monospace}pre{overflow-x:auto;border:1px solid var(--line);padding:.7rem;border-radius:.3rem}
svg{max-width:100%;height:auto;display:block;margin:.6rem 0;border:1px solid var(--line)}details{margin:.4rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
@media(max-width:44rem){thead{position:absolute;left:-999rem}tr{display:block;border-bottom:1px solid var(--line);padding:.5rem 0}
td{display:block;border:0;padding:.1rem 0}td[data-h]:not(:empty)::before{content:attr(data-h) ": ";color:var(--soft);font-size:.85rem}dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}
@media print{details{display:block}body{font-size:11pt}}
"""


def html(verdict: Entry, recorded: Recorded) -> str:
    """The page. Everything that came from outside is escaped, and a policy forbids scripts all the same."""
    word = verdict["verdict"]
    body = [
        f'<div class="verdict {word}"><h1>{escape(wording.headline(verdict))}</h1></div>',
        f"<p>{escape(verdict['label'])}</p>",
        f'<p class="soft">{escape(_when(verdict))}</p>',
        *(f'<p class="HOLD">Incident: {escape(incident)}</p>' for incident in verdict["incidents"]),
        *(_phase(name, phase, recorded) for name, phase in verdict["phases"].items()),
        _rollback(verdict),
        _bound(verdict, recorded),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(word)} - Contact360 VQL gate</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _when(verdict: Entry) -> str:
    until = f"valid until {verdict['valid_until']}" if verdict["valid_until"] else "not valid as a GO"
    return f"started {verdict['started']}, finished {verdict['finished']}, {until}"


def _phase(name: str, phase: Entry, recorded: Recorded) -> str:
    rows = "".join(_row(finding) for finding in wording.ordered(phase["findings"]))
    pairs = [record for record in recorded.records if isinstance(record, Pair) and record.phase == name]
    return (
        f'<h2>{escape(name)}, {escape(phase["title"])}: <span class="{phase["verdict"]}">{phase["verdict"]}</span></h2>'
        "<table><thead><tr><th>Outcome</th><th>Criterion</th><th>Measured</th><th>Limit</th><th>n</th>"
        f"<th>What was found</th></tr></thead><tbody>{rows}</tbody></table>{_pictures(phase, pairs)}{_differences(name, recorded)}"
    )


def _row(finding: Entry) -> str:
    outcome = finding["outcome"]
    note = "" if finding["kind"] == "blocking" else "<small>advisory</small>"
    needed = f"<small>{finding['needed']} more needed</small>" if finding["needed"] else ""
    cause = finding["cause"]
    why = ""
    if cause and outcome != "met":
        why = f"<small>{escape(cause['share'])}: {escape(cause['sentence'])} [{escape(cause['code'])}]<br>{escape(cause['remedy'])}</small>"
    cells = (
        f'<td class="o {outcome}">{wording.SYMBOLS[outcome]} {outcome}{note}</td>',
        f'<td data-h="Criterion"><code>{escape(finding["criterion"])}</code><small>{escape(finding["guide"])}</small></td>',
        f'<td data-h="Measured">{escape(wording.value(finding))}</td>',
        f'<td data-h="Limit">{escape(wording.limit(finding))}</td>',
        f'<td data-h="n">{finding["count"]}{needed}</td>',
        f"<td>{escape(finding['sentence'])}{why}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _pictures(phase: Entry, pairs: Sequence[Pair]) -> str:
    parts = []
    for check in sorted({pair.check for pair in pairs}):
        parts.append(charts.distribution(check, [pair for pair in pairs if pair.check == check]))
    for finding in phase["findings"]:
        if finding["unit"] == "ratio" and finding["interval"]:
            parts.append(
                charts.interval(
                    finding["criterion"], finding["value"], finding["interval"], finding["target"], finding["alert"]
                )
            )
    return f"<h2>Latency</h2>{''.join(parts)}" if parts else ""


def _differences(phase: str, recorded: Recorded) -> str:
    """The first ten mismatches of each check, tokens only."""
    by_check: dict[str, list[Sample]] = {}
    for record in recorded.records:
        if isinstance(record, Sample) and record.phase == phase and record.outcome is Outcome.DIFFERENT:
            by_check.setdefault(record.check, []).append(record)
    if not by_check:
        return ""
    parts = [f"<details open><summary>{escape(check)}: {len(samples)} differ</summary><pre>{escape(_told(samples))}</pre></details>"
             for check, samples in sorted(by_check.items())]  # fmt: skip
    return f"<h2>Differences</h2>{''.join(parts)}"


def _told(samples: Sequence[Sample]) -> str:
    lines = []
    for sample in samples[:SHOWN]:
        lines.append(f"{sample.key}  {sample.stratum}, served by {sample.answers[0].provenance}, cause {sample.cause}")
        lines += [f"    {each.path or 'record'}: PostgreSQL {each.expected}, service {each.actual} ({each.kind})"
                  for each in sample.differences[:SHOWN]]  # fmt: skip
    return "\n".join([*lines, f"again: {samples[0].again}"])


def _rollback(verdict: Entry) -> str:
    commands = wording.rollback(verdict)
    if not commands:
        return ""
    return f"<h2>Rollback</h2><p>From the guide, Rollback Procedures:</p><pre>{escape(chr(10).join(commands))}</pre>"


def _bound(verdict: Entry, recorded: Recorded) -> str:
    served = ", ".join(f"{count} {who}" for who, count in verdict["provenance"].items())
    entries = {
        **recorded.run.described,
        "contract": recorded.run.contract,
        "seed": str(verdict["seed"]),
        "answers served by": served,
        "requests sent": str(verdict["cost"]["requests"]),
        "credits spent": str(verdict["cost"]["credits"]),
        "build": str(verdict["fingerprint"]["backend"]),
        "index": str(verdict["fingerprint"]["index"]),
        **{f"gate {phase}": digest[:16] for phase, digest in verdict["fingerprint"]["gate_sha256"].items()},
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in entries.items())
    return f"<h2>Bound to</h2><dl>{rows}</dl>"
