"""Own small SVG pictures: distributions, intervals, timelines and trends, each with its limits. No library, no script.

Every picture says in words what it shows (its title is read aloud), draws the limit it is held against, and takes its
colours from the page's style where there is one, so that it works on dark paper too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from markupsafe import Markup

from reports.records.escaping import html as escape
from reports.records.records import Pair
from reports.records.wording import amount, counted

INK, SOFT, LINE = "var(--ink,#1c1e21)", "var(--soft,#565c64)", "var(--line,#d9dce0)"
VQL, DIRECT = "var(--vql,#3d6f9f)", "var(--direct,#c2410c)"  # told apart by the colour-blind, and named in words
GO, NO, HOLD = "var(--go,#0b6b3a)", "var(--no,#a61b1b)", "var(--hold,#7a5200)"
WIDTH = 560
LONG_TAIL = 0.995  # the axis ends there; how many calls lie beyond is said


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSlice:
    """A stretch of the run: how many answers of each kind came in it."""

    vql: int = 0
    direct: int = 0
    fallback: int = 0
    unknown: int = 0
    errors: int = 0

    @property
    def total(self) -> int:
        return self.vql + self.direct + self.fallback + self.unknown + self.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One run of a trend: its value with interval, what became of the criterion, and which run it was."""

    value: float
    outcome: str
    name: str
    low: float | None = None
    high: float | None = None
    link: str = ""
    at: float | None = None  # epoch seconds; with it on every point the axis is time

    def as_successes(self) -> TrendPoint:
        """The same share, counted as successes instead of failures."""
        low, high = (None if bound is None else 1 - bound for bound in (self.high, self.low))
        return replace(self, value=1 - self.value, low=low, high=high)


def distribution(title: str, pairs: Sequence[Pair], target: float | None = None, alert: float | None = None) -> Markup:
    """Both paths' times as histograms over each other: medians, p95, and the limits on VQL's median."""
    if not pairs:
        return Markup()
    vql, direct = sorted(pair.vql_ms for pair in pairs), sorted(pair.direct_ms for pair in pairs)
    middle = median(direct)
    limits = [(f"{name} {limit:g}x", limit * middle) for name, limit in (("target", target), ("alert", alert)) if limit]
    top = max(quantile(vql, LONG_TAIL), quantile(direct, LONG_TAIL), *(at for _, at in limits)) * 1.04
    beyond = sum(time > top for time in (*vql, *direct))
    parts = [_bars(direct, top, DIRECT), _bars(vql, top, VQL), _axis(168, top, "ms")]
    for row, (name, times, colour) in enumerate((("VQL", vql, VQL), ("direct", direct, DIRECT))):
        parts.append(_rule(median(times) / top * WIDTH, 84, 168, colour))
        label = f"{name}: median {median(times):.1f} ms, p95 {quantile(times, 0.95):.1f} ms"
        parts.append(_text(0, 13 + 17 * row, label, colour))
    for row, (name, at) in enumerate(limits):
        x, y = at / top * WIDTH, 52 + 17 * row
        side, gap = ("end", -5) if x > WIDTH / 2 else ("start", 5)
        parts += [_rule(x, y - 10, 168, INK, "2 3"), _text(x + gap, y, f"{name} of the direct median", INK, side)]
    title += f": time per call over {len(pairs)} pairs" + (f", {beyond} calls beyond the edge" if beyond else "")
    return _svg(title, parts, 186)


def gauge(
    value: float | None,
    bounds: Sequence[float] | None,
    target: float,
    alert: float | None,
    outcome: str,
    *,
    flipped: bool = False,
    width: int = 160,
) -> Markup:
    """A value with its interval on a line that shows target and alert; small, for a cell or a tile.

    `flipped`: a share of failures that is drawn as successes, with 100 % at the right end.
    """
    if value is None:
        return Markup()
    low, high = bounds or (value, value)
    limits = [limit for limit in (target, alert) if limit is not None]
    bottom = min(low, value, 1.0) * 0.92 if min(limits) >= 1 else 0.0
    top = min(max(high, value, *limits) * 1.12, max(*limits, value) * 4 or 1.0)
    length = width - 12

    def x(number: float) -> float:
        place = min(max((number - bottom) / (top - bottom), 0), 1)
        return round(6 + (1 - place if flipped else place) * length, 1)

    colour, (left, right) = _colour(outcome), sorted((x(low), x(high)))
    parts = [
        f'<line x1="6" x2="{width - 6}" y1="12" y2="12" stroke="{LINE}" stroke-width="2"/>',
        f'<line x1="{left}" x2="{right}" y1="12" y2="12" stroke="{colour}" stroke-width="7" stroke-opacity="0.4"/>',
        f'<line x1="{x(target)}" x2="{x(target)}" y1="2" y2="22" stroke="{INK}" stroke-width="1.5"/>',
    ]
    if alert is not None:
        parts.append(f'<line x1="{x(alert)}" x2="{x(alert)}" y1="2" y2="22" stroke="{INK}" stroke-dasharray="2 2"/>')
    return _svg(
        f"{outcome}: the value, its interval, target and alert", [*parts, _mark(x(value), 12, outcome)], 24, width
    )


def sparkline(title: str, points: Sequence[TrendPoint], width: int = 220) -> Markup:
    """The latest runs as a small line without an axis; the last one is marked. Nothing for fewer than two."""
    if len(points) < 2:
        return Markup()
    values = [point.value for point in points]
    bottom, span = min(values), max(values) - min(values)
    step = (width - 12) / (len(points) - 1)

    def y(number: float) -> float:
        return round(26 - (number - bottom) / span * 20, 1) if span else 16.0

    line = " ".join(f"{6 + number * step:.1f},{y(value)}" for number, value in enumerate(values))
    parts = [
        f'<polyline points="{line}" fill="none" stroke="{SOFT}" stroke-width="1.5"/>',
        _mark(width - 6, y(values[-1]), points[-1].outcome, 3.5),
    ]
    return _svg(title, parts, 32, width)


def fallback_runs(slices: Sequence[TimeSlice]) -> list[tuple[int, int]]:
    """(first, last) slice of each stretch in which at least half of the answers were fallbacks."""
    runs: list[tuple[int, int]] = []
    for number, part in enumerate(slices):
        if part.total and part.fallback * 2 >= part.total:
            joined = runs and runs[-1][1] == number - 1
            runs = [*runs[:-1], (runs[-1][0], number)] if joined else [*runs, (number, number)]
    return runs


def timeline(
    title: str, slices: Sequence[TimeSlice], minutes: float, phases: Mapping[str, tuple[float, float]] | None = None
) -> Markup:
    """Who answered, over the run: each column is a stretch of time, its parts the answers by server, errors on top.

    Stretches that were mostly fallback are shaded. `phases`: begin and end of each phase as shares of the run.
    """
    tallest = max((part.total for part in slices), default=0)
    if not tallest:
        return Markup()
    width = WIDTH / len(slices)
    parts = [
        f'<rect x="{first * width:.1f}" y="22" width="{(last + 1 - first) * width:.1f}" height="88" fill="{DIRECT}" '
        'fill-opacity="0.14"/>'
        for first, last in fallback_runs(slices)
    ]
    kinds = (
        ("vql", VQL, "0.55"),
        ("direct", SOFT, "0.35"),
        ("unknown", HOLD, "0.5"),
        ("fallback", DIRECT, "0.85"),
        ("errors", NO, "1"),
    )
    for column, part in enumerate(slices):
        bottom = 110.0
        for name, colour, opacity in kinds:
            height = getattr(part, name) / tallest * 84
            if height:
                bottom -= height
                parts.append(
                    f'<rect x="{column * width:.1f}" y="{bottom:.1f}" width="{width - 1.5:.1f}" '
                    f'height="{height:.1f}" fill="{colour}" fill-opacity="{opacity}"/>'
                )
    counts = {name: sum(getattr(part, name) for part in slices) for name, _, _ in kinds}
    x = 0.0
    for name, colour, opacity in kinds:
        if counts[name]:
            parts.append(f'<rect x="{x:.0f}" y="4" width="11" height="11" fill="{colour}" fill-opacity="{opacity}"/>')
            parts.append(_text(x + 16, 14, f"{counts[name]} {name}", INK))
            x += 28 + 7.2 * len(f"{counts[name]} {name}")
    parts.append(_axis(110, minutes, "min") if minutes >= 1 else _axis(110, minutes * 60, "s"))
    for row, (name, (begin, end)) in enumerate((phases or {}).items()):
        left, right, y = begin * WIDTH, max(end * WIDTH, begin * WIDTH + 2), 136 + 16 * row
        parts.append(f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y}" y2="{y}" stroke="{VQL}" stroke-width="4"/>')
        side, at = ("start", left) if left < WIDTH / 2 else ("end", right)
        parts.append(_text(at, y + 13, name, SOFT, side))
    return _svg(title, parts, 128 + 18 * len(phases or {}) + (6 if phases else 0))


def trend(
    title: str,
    points: Sequence[TrendPoint],
    target: float | None,
    alert: float | None,
    unit: str,
    changes: Sequence[tuple[float, str]] = (),
) -> Markup:
    """A criterion over runs, the newest last: values, intervals, limits; marks by outcome, gaps left open.

    `changes`: what another build, flag, index or gate came with, and when (epoch seconds); drawn where points have
    their time.
    """
    if len(points) < 2:
        return Markup()
    limits = [(name, limit) for name, limit in (("target", target), ("alert", alert)) if limit is not None]
    bottom, top = _range([point.value for point in points], [limit for _, limit in limits], unit)
    places = _places(points)

    def y(number: float) -> float:
        return round(110 - min(max((number - bottom) / (top - bottom), 0), 1) * 78, 1)

    parts = [f'<line x1="0" x2="{WIDTH - 110}" y1="110" y2="110" stroke="{LINE}"/>']
    lowest = 130.0  # labels of limits that lie close together stand above each other
    for name, limit in sorted(limits, key=lambda item: item[1]):
        parts.append(
            f'<line x1="0" x2="{WIDTH - 110}" y1="{y(limit)}" y2="{y(limit)}" stroke="{SOFT}" stroke-dasharray="4 3"/>'
        )
        lowest = min(y(limit) + 4, lowest - 14)
        parts.append(_text(WIDTH - 104, lowest, f"{name} {_limit(limit, unit)}", SOFT))
    parts += [
        _whisker(x, y(point.low), y(point.high), point.outcome)
        for x, point in zip(places, points, strict=True)
        if point.low is not None and point.high is not None
    ]
    for first, last in _stretches(points):
        line = " ".join(f"{places[index]:.1f},{y(points[index].value)}" for index in range(first, last + 1))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{SOFT}" stroke-opacity="0.5"/>')
    size = 3.5 if len(points) < 80 else 2.2
    parts += [
        _linked(_mark(x, y(point.value), point.outcome, size, point.name), point.link)
        for x, point in zip(places, points, strict=True)
    ]
    parts += _changes(points, changes)
    parts += [
        _text(0, 14, title, INK),
        _text(0, 126, points[0].name, SOFT),
        _text(WIDTH - 110, 126, points[-1].name, SOFT, "end"),
    ]
    last_value = amount(points[-1].value, unit)
    return _svg(f"{title}: {counted(len(points), 'run')}, last {last_value}, {points[-1].outcome}", parts, 132)


def _places(points: Sequence[TrendPoint]) -> list[float]:
    """Where each point stands: by its time where all have one, else one after the other."""
    width, times = WIDTH - 140, [point.at for point in points if point.at is not None]
    if len(times) == len(points) and max(times) > min(times):
        return [10 + (at - min(times)) / (max(times) - min(times)) * width for at in times]
    return [10 + number * width / (len(points) - 1) for number in range(len(points))]


def _stretches(points: Sequence[TrendPoint]) -> list[tuple[int, int]]:
    """(first, last) of each stretch without a gap: a wait of over three times the usual one parts two of them."""
    times = [point.at for point in points if point.at is not None]
    if len(times) < len(points):
        return [(0, len(points) - 1)]
    waits = [later - earlier for earlier, later in pairwise(times)]
    usual = median(waits)
    cuts = [number for number, wait in enumerate(waits) if len(waits) > 2 and wait > 3 * usual]
    return list(zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(points) - 1], strict=True))


def _changes(points: Sequence[TrendPoint], changes: Sequence[tuple[float, str]]) -> list[str]:
    """A line where something else was deployed or switched, with its name."""
    times = [point.at for point in points if point.at is not None]
    if len(times) < len(points) or max(times) <= min(times):
        return []
    span = max(times) - min(times)
    marks = []
    for number, (at, name) in enumerate(changes):
        if min(times) <= at <= max(times):
            x = 10 + (at - min(times)) / span * (WIDTH - 140)
            marks.append(_rule(x, 20, 110, SOFT, "1 3"))
            marks.append(_text(x + 3, 28 + 12 * (number % 3), name, SOFT, "start" if x < WIDTH / 2 else "end"))
    return marks


def _range(shown: Sequence[float], limits: Sequence[float], unit: str) -> tuple[float, float]:
    """Bottom and top of a trend's axis: shares of successes hang from 100 %, those of failures stand on 0."""
    highest, lowest = max([*shown, *limits]), min([*shown, *limits])
    if unit == "share" and limits and min(limits) > 0.5:
        return max(lowest - (1 - lowest) * 0.15, 0.0) if lowest < 1 else 0.9, 1.0
    bottom = min([*shown, 1.0]) * 0.9 if unit == "ratio" else 0.0
    return bottom, highest * 1.15 or 1.0


def _limit(limit: float, unit: str) -> str:
    return f"{100 * limit:g} %" if unit == "share" else amount(limit, unit)


def _linked(mark: str, link: str) -> str:
    return f'<a href="{escape(link)}">{mark}</a>' if link else mark


def _bars(times: Sequence[float], top: float, colour: str, bins: int = 48) -> str:
    counts = [0] * bins
    for time in times:
        if time < top:
            counts[int(time / top * bins)] += 1
    tallest, width = max(counts) or 1, WIDTH / bins
    return "".join(
        f'<rect x="{index * width:.1f}" y="{168 - count / tallest * 84:.1f}" width="{width - 1:.1f}" '
        f'height="{count / tallest * 84:.1f}" fill="{colour}" fill-opacity="0.5"/>'
        for index, count in enumerate(counts)
        if count
    )


def _axis(y: int, top: float, unit: str) -> str:
    return (
        f'<line x1="0" x2="{WIDTH}" y1="{y}" y2="{y}" stroke="{LINE}"/>'
        + _text(0, y + 15, f"0 {unit}", SOFT)
        + _text(WIDTH, y + 15, f"{top:.{0 if top >= 10 else 1}f} {unit}", SOFT, "end")
    )


def _rule(x: float, top: int, bottom: int, colour: str, dash: str = "") -> str:
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/>'
    )


def _mark(x: float, y: float, outcome: str, size: float = 4.5, name: str = "") -> str:
    """Met is a dot, missed a cross, not measured a ring: distinct without colour."""
    colour, title = _colour(outcome), f"<title>{escape(f'{name}: {outcome}')}</title>" if name else ""
    if outcome == "missed":
        reach = f"M{x - size:.1f} {y - size:.1f}L{x + size:.1f} {y + size:.1f}M{x - size:.1f} {y + size:.1f}L{x + size:.1f} {y - size:.1f}"
        return f'<path d="{reach}" stroke="{colour}" stroke-width="2.4">{title}</path>'
    fill = colour if outcome == "met" else "var(--paper,#fff)"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{fill}" stroke="{colour}" stroke-width="1.6">{title}</circle>'


def _whisker(x: float, low: float, high: float, outcome: str) -> str:
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low}" y2="{high}" stroke="{_colour(outcome)}" '
        'stroke-width="3" stroke-opacity="0.25"/>'
    )


def _colour(outcome: str) -> str:
    return {"met": GO, "missed": NO}.get(outcome, HOLD)


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'


def quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _svg(title: str, parts: Sequence[str], height: int, width: int = WIDTH) -> Markup:
    return Markup(  # noqa: S704 - each part is made of numbers and of text that was escaped
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        f'font-family="system-ui, sans-serif" font-size="12"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
