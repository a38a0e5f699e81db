"""The steps after a verdict, with the commands for them: the same on the page, the terminal and in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reports.judge.criteria import AVAILABILITY
from reports.output import presentation
from reports.records import commands
from reports.records.records import Entry
from reports.records.wording import counted, moment

NEXT = {"phase0": "phase1", "phase1": "phase2", "phase2": "phase3", "phase3": "phase4", "phase4": "phase5"}
HISTORY = "runs-history"  # the folder that a command proposes where the run kept no history


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do: a sentence, and the lines to paste for it."""

    text: str
    commands: tuple[str, ...] = ()


def steps(verdict: Entry) -> list[Step]:
    """What to do after this verdict, in order."""
    if verdict.get("going_on") and verdict["verdict"] != "NO-GO":
        return [Step(text="Wait for the end of the run: nothing is decided before it.")]
    makers = {"GO": _after_go, "HOLD": _after_hold, "NO-GO": _after_no_go}
    return makers[verdict["verdict"]](verdict)


def _after_go(verdict: Entry) -> list[Step]:
    options = presentation.run_options(verdict)
    if verdict["target"] == "sandbox":
        live = {"target": "live", "env_file": "live.env"} | {
            name: options.get(name) for name in ("contract", "expect_flags")
        }
        command = commands.rerun(verdict["phases"], live)
        return [Step(text="This was a rehearsal. Run the same on your deployment:", commands=(command,))]
    if set(verdict["phases"]) == {AVAILABILITY}:
        kept = {**options, "history": options.get("history") or HISTORY}
        text = "Keep the probe on its schedule, every five minutes, with a history; by it the bake judges availability:"
        return [Step(text=text, commands=(commands.rerun([AVAILABILITY], kept),))]
    own_steps = [*_switching_on(verdict), *_baking(verdict, options)]
    following = [NEXT[name] for name in verdict["phases"] if NEXT.get(name) and NEXT[name] not in verdict["phases"]]
    if following:
        text = "Then verify the next phase before its flag goes on:"
        own_steps.append(
            Step(text=text, commands=(commands.rerun(following[-1:], options, without=("samples", "bake")),))
        )
    return own_steps or [Step(text="Nothing is left to do for this phase. Keep the page with your records.")]


def _switching_on(verdict: Entry) -> list[Step]:
    states = verdict["fingerprint"]["flags"]
    flags = [phase["flag"] for phase in verdict["phases"].values() if phase["flag"]]
    off = [flag for flag in flags if not states.get(flag)]
    if off and not verdict["fingerprint"].get("mandatory"):
        lines = (*(f"{flag}=true" for flag in off), presentation.RESTART)
        return [Step(text="Switch on, then run this phase once more with the flag on:", commands=lines)]
    return [Step(text=f"Leave {', '.join(flags)} on.")] if flags else []


def _baking(verdict: Entry, options: Mapping[str, Any]) -> list[Step]:
    """Canaries until the phase has been watched as long as the guide wants."""
    hours = {name: phase["bake"] for name, phase in verdict["phases"].items() if phase.get("bake")}
    if not hours:
        return []
    first = max(bake["hours"] for bake in hours.values())
    until = datetime.fromisoformat(verdict["finished"]) + timedelta(hours=first)
    watched = {**options, "history": options.get("history") or HISTORY}
    command = commands.rerun(["canary"], watched, without=("samples", "bake"))
    text = f"Let it bake for {first:g} h, until {moment(until.isoformat())}: run the canary every half hour."
    return [Step(text=text, commands=(command,))]


def _after_hold(verdict: Entry) -> list[Step]:
    options = presentation.run_options(verdict)
    if "canary" in verdict:
        return _after_canary(verdict, options)
    missing = [
        finding
        for phase in verdict["phases"].values()
        for finding in phase["findings"]
        if finding["kind"] == "blocking" and finding["outcome"] == "unmeasured"
    ]
    remedies = dict.fromkeys(_way_out(finding, options) for finding in missing)
    own_steps = [Step(text=text) for text in remedies if text]
    incidents = [incident for incident in verdict["incidents"] if not _FIRST.search(incident)]
    if incidents and not any(finding["count"] for finding in missing):
        own_steps = []  # the run did not get as far as its samples
    if incidents:
        own_steps.insert(0, Step(text='Fix the problems of the run itself (listed under "Why").'))
    for phase in dict.fromkeys(name for incident in verdict["incidents"] for name in _FIRST.findall(incident)):
        own_steps.insert(0, Step(text=f"Verify {phase} first:", commands=(commands.rerun([phase], options),)))
    changed, without = _changed(missing, options)
    command = commands.rerun(verdict["phases"] or ["phase1"], options, without=without, **changed)
    return [*own_steps[:4], Step(text="Then run it again:", commands=(command,))]


def _after_canary(verdict: Entry, options: Mapping[str, Any]) -> list[Step]:
    reasons = [Step(text=f"Look into it: {reason}.") for reason in verdict["canary"]["reasons"][:4]]
    text = "Keep the canary running on its schedule; the bake adds the runs up:"
    watched = {**options, "history": options.get("history") or HISTORY}
    return [*reasons, Step(text=text, commands=(commands.rerun(["canary"], watched, without=("samples",)),))]


def _changed(missing: Iterable[Entry], options: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the next run needs beside the options of this one, and which of these it must not have."""
    findings = list(missing)
    named = {name for finding in findings for name in _named(finding)}
    changed: dict[str, Any] = {}
    if "--attestations" in named and not options.get("attestations"):
        changed["attestations"] = "attestations.toml"
    prices = re.findall(r"--allow-cost (\d+)", " ".join(finding["sentence"] for finding in findings))
    if prices:
        changed["allow_cost"] = max(map(int, prices))
    if "--history" in named and not options.get("history"):
        changed["history"] = HISTORY
    return changed, ("samples",) if options.get("samples") is not None else ()


WAYS_OUT: Mapping[str, str] = {  # an option or a setting that a finding lacks -> the way out
    "CONTACT360_BASELINE_URL": "Set CONTACT360_BASELINE_URL to the same build with the flag off: latency needs it.",
    "--attestations": "Have the sign-offs written down: copy attestations.example.toml to attestations.toml and fill it in.",
    "--allow-cost": "Allow the credits that this phase costs (--allow-cost); --plan prints the price beforehand.",
    "ELASTICSEARCH_HOST": "Set ELASTICSEARCH_HOST, so that the index itself can be read.",
    "--history": "Keep a history (--history DIR) and let canaries run on schedule.",
    "-k": "Run the whole phase: part of it was not selected (-k, a path or --lf).",
}
NOISY = "Run it when the machines are quieter: the direct path alone varies too much."
DOUBTS: Mapping[str, str] = {  # a finding's count of answers that can't be used -> the way out
    "unknown": "Make visible which path serves: switch the VQL header on, or set LOGS_DATABASE_URL or ELASTICSEARCH_HOST.",
    "void": "Run it when fewer rows are being written, or with more samples.",
    "lost": "Find out why requests fail, then run again.",
}
_FIRST = re.compile(r"\(-m (\w+)\)")  # the phase that an incident asks for before this one
_NAMED = re.compile(r"(?<![\w-])(?:--[a-z][a-z-]+|-k|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?![\w-])")


def _named(finding: Entry) -> list[str]:
    """The options and settings that the finding's sentence names."""
    return _NAMED.findall(finding["sentence"])


def _way_out(finding: Entry, options: Mapping[str, Any]) -> str:
    """A sentence on how to get what the finding lacks: by what it names, by its doubts, or by what it still needs."""
    for name in _named(finding):
        if name in WAYS_OUT:
            return WAYS_OUT[name]
    doubts = {name: finding.get(name) or 0 for name in DOUBTS}
    if finding.get("unfit") and finding["unit"] == "ratio" and not any(doubts.values()):
        return NOISY
    most = max(doubts, key=lambda name: doubts[name])
    if doubts[most] and (finding.get("unfit") or not finding["needed"]):
        return DOUBTS[most]
    if finding["needed"] and finding["unit"] == "h":
        return f"Let canaries run for {finding['needed']:,} h more."
    if finding["needed"] and options.get("samples") is not None:
        return f"Leave out --samples {options['samples']}: it ends the sampling too early."
    if finding["needed"]:
        return f"Sample more: {presentation.title(finding)} lacks {counted(finding['needed'], 'sample')}."
    return DOUBTS[most] if doubts[most] else ""


def _after_no_go(verdict: Entry) -> list[Step]:
    undo = presentation.rollback(verdict)
    options = presentation.run_options(verdict)
    own_steps = []
    if undo:
        all_endpoints = "CONNECTRA_ENABLED=false" in undo
        title = "Immediate Rollback (All Endpoints)" if all_endpoints else "Selective Rollback (Single Endpoint)"
        own_steps.append(Step(text=f"Roll back now (the guide, Rollback Procedures, {title}):", commands=tuple(undo)))
        check = "all endpoints use SQL again" if all_endpoints else "only the affected endpoints use SQL again"
        own_steps.append(Step(text=f"Verify that {check}:", commands=(presentation.verification(verdict),)))
    command = commands.rerun(verdict["phases"], options)
    own_steps.append(Step(text="Repair the causes as their remedies say, then run again:", commands=(command,)))
    return own_steps
