"""What customers ask, as a section of the page, as a page of its own, and as lines: endpoints, hours, what is not asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from markupsafe import Markup

from reports.output.html.rendering import render, section, table
from reports.records.inputs.traffic import LATENCY_CHECK, EndpointTraffic, RequestShape, TrafficDraw, TrafficProfile
from reports.records.records import Pair
from reports.records.run_ledger import RunRecords
from reports.records.wording import counted, percent

HEADS = ("Phase", "Endpoint", "Requests", "Share", "Keys", "Hottest key", "Statuses", "Most frequent shapes")
SHAPES = 3  # of an endpoint in its row
BUSY = 3  # hours named


def traffic(recorded: RunRecords) -> Markup:
    """The log's profile, what was drawn of it, and how long customers would wait."""
    profile = next((record for record in recorded.records if isinstance(record, TrafficProfile)), None)
    if profile is None:
        return Markup()
    draws = [record for record in recorded.records if isinstance(record, TrafficDraw)]
    pairs = [record for record in recorded.records if isinstance(record, Pair) and record.check == LATENCY_CHECK]
    return section("What customers ask", _content(profile, draws, pairs))


def document(profile: TrafficProfile) -> str:
    """The profile alone, as a page."""
    banner = render("plain_banner.html", title="What customers ask", kind="", text="")
    body = section("What customers ask", _content(profile, (), ()))
    return str(render("document.html", title="What customers ask", banner=banner, body=body, refresh=0)) + "\n"


def lines(profile: TrafficProfile) -> Iterator[str]:
    """The profile on a terminal."""
    for file in profile.files:
        broken = f"; it ends early: {file.broken}" if file.broken else ""
        unreadable = f", {file.unreadable:,} of them unreadable" if file.unreadable else ""
        yield f"{file.name}: form {file.form}, {file.lines:,} lines{unreadable}{broken}"
    yield f"{profile.requests:,} requests{_period(profile)}, {profile.of_phases:,} of them to the guide's endpoints"
    yield ""
    for endpoint in profile.endpoints:
        hot = (
            f", hottest key {endpoint.hot_keys[0].token} {endpoint.hot_keys[0].requests:,}" if endpoint.hot_keys else ""
        )
        yield f"{endpoint.phase:8}{endpoint.endpoint:24}{endpoint.requests:>14,}  {_statuses(endpoint)}{hot}"
        for shape in endpoint.shapes[:SHAPES]:
            yield f"{'':10}{shape.requests:>20,}  {_shape(shape)}"
    yield ""
    yield from (f"{hour}" for hour in _hours(profile))
    yield _coverage_by_checks(profile)
    for why, count in profile.not_stood_for.items():
        yield f"{count:>14,}  {why}"
    for reason, count in list(profile.outside.items())[:10]:
        yield f"{count:>14,}  outside: {reason}"


def _content(profile: TrafficProfile, draws: Sequence[TrafficDraw], pairs: Sequence[Pair]) -> Markup:
    intro = [
        f"{counted(profile.requests, 'request')}{_period(profile)} in {counted(profile.lines, 'line')} of "
        f"{', '.join(f'{file.name} ({file.form})' for file in profile.files)}.",
        *(f"{counted(profile.unreadable, 'line')} could not be read." for _ in range(bool(profile.unreadable))),
        *_hours(profile),
        *(drawn(draw) for draw in draws),
        *waiting_times(pairs),
        _coverage_by_checks(profile),
    ]
    missing = [(f"{count:,}", why) for why, count in profile.not_stood_for.items()]
    missing += [(f"{count:,}", f"outside the guide: {reason}") for reason, count in profile.outside.items()]
    content = Markup().join(Markup("<p>{}</p>").format(entry) for entry in intro)
    content += table(HEADS, [_row(endpoint, profile) for endpoint in profile.endpoints])
    return content + (table(("Requests", "Kind that no check sends"), missing) if missing else Markup())


def waiting_times(pairs: Sequence[Pair]) -> Iterator[str]:
    """Median and tail of each phase's pairs. They were drawn as customers ask, so each weighs as its traffic does."""
    for phase in sorted({pair.phase for pair in pairs}):
        phase_pairs = [pair for pair in pairs if pair.phase == phase]
        vql, direct = (
            sorted(times) for times in zip(*((pair.vql_ms, pair.direct_ms) for pair in phase_pairs), strict=True)
        )
        yield (
            f"{phase}: weighted by traffic, customers would wait {median(vql):.0f} ms by VQL in the median and "
            f"{_p95(vql):.0f} ms at p95; {median(direct):.0f} ms and {_p95(direct):.0f} ms by the direct path "
            f"({len(phase_pairs)} pairs of drawn requests)."
        )


def drawn(draw: TrafficDraw) -> str:
    reasons = ", ".join(f"{count} {why}" for why, count in draw.unjudged.items())
    sentence = f"{draw.phase}: {draw.drawn:,} requests drawn of {draw.population:,}"
    return sentence + (f"; not asked again: {reasons}." if reasons else ".")


def _row(entry: EndpointTraffic, profile: TrafficProfile) -> tuple[str, ...]:
    hottest = (
        f"{entry.hot_keys[0].token} {percent(entry.hot_keys[0].requests / entry.requests)}" if entry.hot_keys else "-"
    )
    shapes = "; ".join(f"{_shape(shape)}: {shape.requests:,}" for shape in entry.shapes[:SHAPES])
    share = percent(entry.requests / max(profile.of_phases, 1))
    return (
        entry.phase,
        entry.endpoint,
        f"{entry.requests:,}",
        share,
        f"{entry.keys:,}",
        hottest,
        _statuses(entry),
        shapes,
    )


def _statuses(entry: EndpointTraffic) -> str:
    return ", ".join(f"{status}: {count:,}" for status, count in list(entry.statuses.items())[:4])


def _shape(shape: RequestShape) -> str:
    parts = [*shape.parameters] or ["no parameter"]
    parts += [f"ordering {shape.ordering}"] if shape.ordering else []
    parts += [f"{shape.page_size} rows"] if shape.page_size else []
    return " + ".join(parts)


def _hours(profile: TrafficProfile) -> Iterable[str]:
    if not profile.hours:
        return
    busiest = sorted(profile.hours, key=lambda hour: -hour.requests)[:BUSY]
    total = sum(hour.requests for hour in profile.hours)
    text = ", ".join(
        f"{hour.hour:02d} h ({100 * hour.requests / total:.0f} %"
        + (f", median {hour.median_ms:g} ms, p95 {hour.p95_ms:g} ms)" if hour.median_ms is not None else ")")
        for hour in busiest
    )
    yield f"Busy hours, in the log's own time: {text}."


def _coverage_by_checks(profile: TrafficProfile) -> str:
    share = profile.stood_for / profile.of_phases if profile.of_phases else 0.0
    return (
        f"{profile.stood_for:,} of {profile.of_phases:,} requests to the guide's endpoints ({percent(share)}) are of "
        "kinds that the phases' checks send; other kinds:"
    )


def _period(profile: TrafficProfile) -> str:
    return f" of {profile.since} to {profile.until}" if profile.since else ""


def _p95(ordered: Sequence[float]) -> float:
    return ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]
