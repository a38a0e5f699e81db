"""Where signals about who served an answer contradict each other, and why an answer tells nothing, in words. Pure.

Signals are `source:word` (header:vql, log:fallback, counter:flat): see fixtures/clients/provenance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from reports.records.records import Comparison, Observation, Provenance, Record

_CLAIMS = {
    "header:vql": "header says VQL",
    "trait:vql": "body looks like VQL",
    "log:vql": "log says VQL",
}
_AGAINST = {
    "log:fallback": "log says fallback",
    "counter:flat": "search counter says the index did not search",
    "trait:direct": "body looks like SQL",
    "log:unmarked": "log has no mark of VQL on the request",
}
_REASONS = {
    "log:missing": "have no line in the log, although other requests have one",
    "log:unread": "could not be checked against the log, which did not answer",
    "log:unmarked": "have no mark of VQL in the log, where others have it",
    "counter:disproved": "claim VQL in a batch where such a claim was wrong",
    "counter:busy": "could not be checked against the search counter, because other clients search too",
    "part:unknown": "took several requests, and not all of them show which path served them",
}


def served_by(records: Sequence[Record]) -> dict[str, int]:
    """How many answers of the backend each path gave, by the path's name."""
    served = Counter(str(answer.provenance) for answer in backend_answers(records))
    return {str(provenance): served[str(provenance)] for provenance in Provenance}


def backend_answers(records: Sequence[Record]) -> list[Observation]:
    """The backend's answers without an error, to every question."""
    return [
        answer
        for record in records
        if isinstance(record, Comparison)
        for answer in record.answers
        if answer.side == "backend" and answer.error is None
    ]


def contradictions(answers: Sequence[Observation]) -> tuple[str, ...]:
    """'header says VQL, log says fallback: 159 of 781', the most frequent first; of answers without an error."""
    observations = [answer for answer in answers if answer.error is None]
    counts = Counter(sentence for answer in observations if (sentence := _contradiction(answer)))
    return tuple(f"{sentence}: {count} of {len(observations)}" for sentence, count in counts.most_common())


def why_provenance_unknown(answers: Iterable[Observation]) -> str:
    """Why those of unknown provenance tell nothing: '64 came out of a cache (Age)'; '' where no signal says why."""
    counts = Counter(reason for answer in answers if (reason := _reason_unknown(answer)))
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())


def _contradiction(answer: Observation) -> str:
    claim = next((sentence for signal, sentence in _CLAIMS.items() if signal in answer.signals), "")
    signal_of_claim = next((signal for signal in _CLAIMS if signal in answer.signals), "")
    against = next(
        (
            sentence
            for signal, sentence in _AGAINST.items()
            if signal in answer.signals and _source(signal) != _source(signal_of_claim)
        ),
        "",
    )
    return f"{claim}, {against}" if claim and against else ""


def _reason_unknown(answer: Observation) -> str:
    if answer.provenance is not Provenance.UNKNOWN or answer.error is not None:
        return ""
    stored = [signal.partition(":")[2] for signal in answer.signals if signal.startswith("stored:")]
    if stored:
        return f"came out of a cache ({', '.join(_as_header(name) for name in stored)})"
    return next((reason for signal, reason in _REASONS.items() if signal in answer.signals), "")


def _as_header(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _source(signal: str) -> str:
    return signal.partition(":")[0]
