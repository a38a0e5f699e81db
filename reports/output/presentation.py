"""How findings read to people: the same words on the terminal, on the page and in Allure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from reports.records import commands
from reports.records.records import FLAGS, Comparison, Difference, Entry
from reports.records.wording import amount, counted, moment, percent, ratio, times

MISMATCHES_SHOWN = 10  # of each kind and check; evidence/ has all of them
WHOLE = ("phase5",)  # phases that judge the migration as a whole
RESTART = "systemctl restart contact360-backend   # or: docker-compose restart backend"
SYMBOLS = {"met": "✓", "missed": "✗", "unmeasured": "…"}
OUTCOMES = {"met": "met", "missed": "missed", "unmeasured": "not measured"}
RANK = {"missed": 0, "unmeasured": 1, "met": 2}


def first_differences(sample: Comparison) -> list[Difference]:
    """The first differences of a record, those that no known difference covers before the others."""
    return sorted(sample.differences, key=lambda difference: bool(difference.excused_by))[:MISMATCHES_SHOWN]


def headline(verdict: Entry) -> str:
    """The verdict in one sentence."""
    return f"{verdict['verdict']}{qualities(verdict)}: {meaning(verdict)}"


def qualities(verdict: Entry) -> str:
    """What sets the verdict apart from one of its word: ' with 2 waivers', ' of the direct path'."""
    sentence = ""
    waivers = waived(verdict)
    if verdict["verdict"] == "GO":
        if any(phase.get("direct_path") for phase in verdict["phases"].values()):
            sentence += " of the direct path"
        if waivers:
            sentence += f" with {counted(len(waivers), 'waiver')}"
        if absent := not_deployed(verdict):
            sentence += f", without {counted(len(absent), 'check')} of endpoints that this deployment does not have"
    return sentence


def not_deployed(verdict: Entry) -> list[tuple[str, str]]:
    """(phase, check) of each check whose endpoint the deployment does not have."""
    return list(
        dict.fromkeys(
            (name, check)
            for name, phase in verdict["phases"].items()
            for finding in phase["findings"]
            for check in finding.get("not_deployed", ())
        )
    )


def waived(verdict: Entry) -> list[Entry]:
    """The findings that a waiver keeps from holding the verdict back."""
    return [entry for phase in verdict["phases"].values() for entry in phase["findings"] if entry.get("waived")]


def stale_waivers(verdict: Entry) -> list[str]:
    """A sentence for each waiver that nothing needs any more."""
    return [
        f"the waiver of {entry['criterion']} ({entry['ticket']}) is no longer needed: {name} meets the criterion; remove it"
        for name, phase in verdict["phases"].items()
        for entry in phase.get("waived", ())
        if entry["stale"]
    ]


def meaning(verdict: Entry) -> str:
    """What the verdict asks of the reader: the headline without its word."""
    if verdict.get("going_on"):
        return f"the run goes on: {verdict['going_on']}"
    dry = "; dry run: the exit code is pytest's own, not the verdict's" if verdict.get("dry_run") else ""
    return _meaning(verdict) + dry


def _meaning(verdict: Entry) -> str:
    if verdict["verdict"] == "GO":
        tickets = ", ".join(entry["waived"] for entry in waived(verdict))
        criteria = f"every blocking criterion that is not waived ({tickets})" if tickets else "every blocking criterion"
        off = [phase["flag"] for phase in verdict["phases"].values() if phase.get("direct_path")]
        direct = f"; {', '.join(off)} was off, so it does not count for the next phase" if off else ""
        return f"{criteria} is met for {_phases(verdict)}{direct}"
    flags = [] if _is_mandatory(verdict) else concerned_flags(verdict)
    if is_clear(verdict):
        return (
            f"nothing speaks against {', '.join(flags) or 'the rollout'} so far; a canary alone is too small for a GO"
        )
    if verdict["verdict"] == "HOLD":
        return f"not decided yet: do not go on with {', '.join(flags) or 'the next step'}"
    if not flags:
        beside = ", and this deployment has no flag to roll back" if _is_mandatory(verdict) else ""
        return f"do not go on: not every blocking criterion is met for {_phases(verdict)}{beside}"
    states = verdict["fingerprint"]["flags"]
    switched = {states.get(flag) if states.get("CONNECTRA_ENABLED") is not False else False for flag in flags}
    advice = {True: "roll back {}", False: "do not enable {}"}
    sentence = (
        advice[switched.pop()] if len(switched) == 1 and None not in switched else "do not enable {}, or roll it back"
    )
    return sentence.format(", ".join(flags))


def is_clear(verdict: Entry) -> bool:
    """Whether it is a canary's HOLD for the want of samples alone."""
    return verdict["verdict"] == "HOLD" and bool((verdict.get("canary") or {}).get("clear"))


def concerned_flags(verdict: Entry) -> list[str]:
    """Flags of the phases that share the run's verdict; of all its phases when an incident alone made it a HOLD."""
    phases = list(verdict["phases"].values())
    same = [phase for phase in phases if phase["verdict"] == verdict["verdict"]]
    return [phase["flag"] for phase in same or phases if phase["flag"]]


def ordered(findings: list[Entry]) -> list[Entry]:
    """Findings as a reader wants them: blocking before advisory, missed first, met last."""
    return sorted(findings, key=lambda finding: (finding["kind"] != "blocking", RANK[finding["outcome"]]))


def limit(finding: Entry) -> str:
    """The limit a finding was held against, in the guide's own way of counting."""
    if finding["target"] is None:
        return "no mismatch" if finding["unit"] == "mismatches" else ""
    sign = "≥" if counts_failures(finding) else "≤"
    alert = "" if finding["alert"] is None else f", alert {_limit(finding, finding['alert'])}"
    return f"{sign} {_limit(finding, finding['target'])}{alert}"


def value(finding: Entry) -> str:
    """The measured value with its unit, in the guide's own way of counting."""
    number = finding["value"]
    if number is None:
        return "-"
    return amount(1 - number if counts_failures(finding) else number, finding["unit"])


def finding_sentence(finding: Entry) -> str:
    """The judge's sentence on the finding; a share of successes says that its sentence counts failures."""
    sentence = str(finding["sentence"])
    return f"failures: {sentence}" if counts_failures(finding) and finding["value"] is not None else sentence


def counts_failures(finding: Entry) -> bool:
    """Whether the guide asks for a share of successes ("> 95%") where failures are what was counted.

    Entries of an early history keep no guide line: there the criterion's name tells.
    """
    if finding["unit"] == "share" and not finding["guide"]:
        return "success" in finding["criterion"] or "availability" in finding["criterion"]
    first = re.search(r"([<>≤≥])=?\s*\d", finding["guide"])
    if finding["unit"] != "share" or first is None or first[1] in "<≤":
        return False
    return "alert" not in finding["guide"][: first.start()].lower()


def rollback(verdict: Entry) -> list[str]:
    """The guide's rollback commands for exactly the flags of the phases that are NO-GO; none otherwise.

    Every flag concerned: the guide's immediate rollback, which switches Connectra off as well. Where the contract says
    that there are no flags, there is nothing to roll back by them.
    """
    flags = rolled_back(verdict)
    if not flags or _is_mandatory(verdict):
        return []
    switches = [*flags, "CONNECTRA_ENABLED"] if set(flags) == set(FLAGS) else flags
    return [*(f"{flag}=false" for flag in switches), RESTART]


def _is_mandatory(verdict: Entry) -> bool:
    """Whether the deployment has no flags: VQL serves everything."""
    return bool(verdict["fingerprint"].get("mandatory"))


def rolled_back(verdict: Entry) -> list[str]:
    """The flags that a NO-GO concerns, in the guide's order. A phase that judges the whole concerns them all."""
    phases = {name: phase for name, phase in verdict["phases"].items() if phase["verdict"] == "NO-GO"}
    if any(name in WHOLE and not phase["flag"] for name, phase in phases.items()):
        return list(FLAGS)
    named = {phase["flag"] for phase in phases.values() if phase["flag"]}
    return [*(flag for flag in FLAGS if flag in named), *sorted(named - set(FLAGS))]


def run_options(verdict: Entry) -> Mapping[str, Any]:
    """The options that the run was given, for the commands it prints; a run from before kept none but its target."""
    options: Mapping[str, Any] = verdict.get(commands.GIVEN) or {"target": verdict["target"], "seed": verdict["seed"]}
    return options


def verification(verdict: Entry) -> str:
    """The command that verifies the rollback: the flags that were on and are not rolled back should still be on."""
    states, off = verdict["fingerprint"]["flags"], rolled_back(verdict)
    kept = [flag for flag in FLAGS if states.get(flag) and flag not in off and states.get("CONNECTRA_ENABLED")]
    return commands.verify_rollback(kept, run_options(verdict))


def title(finding: Entry) -> str:
    """The criterion in a few plain words; the guide's line where the gate gives it no title."""
    return str(finding.get("title") or guide_line(finding)[0])


def guide_line(finding: Entry) -> tuple[str, str]:
    """(what the guide says, where it says it), from "section: line"."""
    where, colon, line = finding["guide"].partition(": ")
    return (line, where) if colon else (finding["guide"], "")


def bounds(finding: Entry) -> str:
    """The interval a value may really lie in, in the value's unit; '' when there is none."""
    if not finding["interval"]:
        return ""
    low, high = finding["interval"]
    if finding["unit"] == "share":
        low, high = (1 - high, 1 - low) if counts_failures(finding) else (low, high)
        return f"{percent(low)} to {percent(high)}"
    if finding["unit"] == "ratio":
        return f"{ratio(low)} to {ratio(high)}"
    if finding["unit"] == "mismatches":
        return f"at most {percent(high)} wrong"
    return f"{amount(low, '')} to {amount(high, finding['unit'])}"


def tally(verdict: Entry) -> str:
    """How many criteria are met, missed, not measured: "12 met; advisory: 1 met, 2 not measured"."""
    findings = [finding for phase in verdict["phases"].values() for finding in phase["findings"]]
    blocking, advisory = (
        _counted(finding["outcome"] for finding in findings if (finding["kind"] == "blocking") is wanted)
        for wanted in (True, False)
    )
    return (blocking or "no criterion") + (f"; advisory: {advisory}" if advisory else "")


def reasons(verdict: Entry) -> list[tuple[str, list[tuple[str, Entry]]]]:
    """(cause in words, the blocking findings it explains with their phases), for all that keeps the verdict from GO."""
    wanted = {"GO": (), "NO-GO": ("missed",), "HOLD": ("missed", "unmeasured")}[verdict["verdict"]]
    by_cause: dict[str, list[tuple[str, Entry]]] = {}
    for name, phase in verdict["phases"].items():
        for finding in phase["findings"]:
            if finding["kind"] == "blocking" and finding["outcome"] in wanted and not finding.get("waived"):
                by_cause.setdefault(_cause_in_words(finding), []).append((name, finding))
    return sorted(
        by_cause.items(),
        key=lambda item: (min(RANK[finding["outcome"]] for _, finding in item[1]), -len(item[1])),
    )


def notes(verdict: Entry) -> list[str]:
    """What a reader must not overlook beside the word: what the deployment does not have, waivers in force, and those
    that nothing needs any more.
    """
    absent = [
        f"{name}: {check} was not asked: this deployment does not have it" for name, check in not_deployed(verdict)
    ]
    in_force = [
        f"waived for {name}: {waiver['criterion']}, until {moment(waiver['until'])}, by {waiver['by']} "
        f"({waiver['ticket']}: {waiver['reason']})"
        for name, phase in verdict["phases"].items()
        for waiver in phase.get("waived", ())
        if not waiver["stale"]
    ]
    return [*absent, *in_force, *stale_waivers(verdict)]


def slowed(verdict: Entry) -> str:
    """How often the pace gave way to a target under strain, in words; '' if it never did."""
    count = verdict["cost"].get("slowed", 0)
    return f"slowed down {times(count)}" if count else ""


def causes(finding: Entry) -> list[tuple[Entry, str]]:
    """The causes that a finding names, each with the word before it: the most frequent, and those beside it."""
    cause = finding["cause"]
    return [] if not cause else [(cause, ""), *((other, "also ") for other in cause.get("others", ()))]


def _cause_in_words(finding: Entry) -> str:
    cause = finding["cause"]
    if cause:
        return str(cause.get("sentence") or cause["code"])
    if finding["outcome"] == "missed":
        return "the cause is not known"
    if "--attestations" in finding["sentence"]:
        return "sign-offs are missing"
    return "too few samples so far" if finding["needed"] else "could not be measured"


def _counted(outcomes: Iterable[str]) -> str:
    counts = Counter(outcomes)
    shown = (("missed", "missed"), ("unmeasured", "not measured"), ("met", "met"))
    return ", ".join(f"{counts[outcome]} {phrase}" for outcome, phrase in shown if counts[outcome])


def _limit(finding: Entry, number: float) -> str:
    """A limit as the guide writes it: without the digits of a measurement."""
    if finding["unit"] == "share":
        return f"{100 * (1 - number if counts_failures(finding) else number):g} %"
    return amount(number, finding["unit"])


def _phases(verdict: Entry) -> str:
    return ", ".join(verdict["phases"]) or "no phase"
