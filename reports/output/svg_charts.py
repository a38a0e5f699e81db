"""Own small SVG pictures: distributions, intervals, timelines and trends, each with its limits. No library, no script.

Every picture says in words what it shows (its title is read aloud), draws the limit it is held against, and takes its
colours from the page's style where there is one, so that it works on dark paper too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from reports.records.escaping import html as escape
from reports.records.records import Pair

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


def distribution(title: str, pairs: Sequence[Pair], target: float | None = None, alert: float | None = None) -> str:
    """Both paths' times as histograms over each other: medians, p95, and the limits on VQL's median."""
    if not pairs:
        return ""
    vql, direct = sorted(pair.vql_ms for pair in pairs), sorted(pair.direct_ms for pair in pairs)
    middle = median(direct)
    limits = [(f"{name} {limit:g}x", limit * middle) for name, limit in (("target", target), ("alert", alert)) if limit]
    top = max(_quantile(vql, LONG_TAIL), _quantile(direct, LONG_TAIL), *(at for _, at in limits)) * 1.04
    beyond = sum(time > top for time in (*vql, *direct))
    parts = [_bars(direct, top, DIRECT), _bars(vql, top, VQL), _axis(168, top, "ms")]
    for row, (name, times, colour) in enumerate((("VQL", vql, VQL), ("direct", direct, DIRECT))):
        parts.append(_rule(median(times) / top * WIDTH, 84, 168, colour))
        told = f"{name}: median {median(times):.1f} ms, p95 {_quantile(times, 0.95):.1f} ms"
        parts.append(_text(0, 13 + 17 * row, told, colour))
    for row, (name, at) in enumerate(limits):
        x, y = at / top * WIDTH, 52 + 17 * row
        side, gap = ("end", -5) if x > WIDTH / 2 else ("start", 5)
        parts += [_rule(x, y - 10, 168, INK, "2 3"), _text(x + gap, y, f"{name} of the direct median", INK, side)]
    title += f": time per call over {len(pairs)} pairs" + (f", {beyond} calls beyond the edge" if beyond else "")
    return _svg(title, parts, 186)


def gauge(value: float | None, bounds: Sequence[float] | None, target: float, alert: float | None, outcome: str) -> str:
    """A value with its interval on a line that shows target and alert; small, for a table's cell."""
    if value is None:
        return ""
    low, high = bounds or (value, value)
    limits = [limit for limit in (target, alert) if limit is not None]
    bottom = min(low, value, 1.0) * 0.92 if min(limits) >= 1 else 0.0
    top = min(max(high, value, *limits) * 1.12, max(*limits, value) * 4 or 1.0)

    def x(number: float) -> float:
        return round(6 + min(max((number - bottom) / (top - bottom), 0), 1) * 148, 1)

    colour = _colour(outcome)
    parts = [
        f'<line x1="6" x2="154" y1="12" y2="12" stroke="{LINE}" stroke-width="2"/>',
        f'<line x1="{x(low)}" x2="{x(high)}" y1="12" y2="12" stroke="{colour}" stroke-width="5" stroke-opacity="0.45"/>',
        f'<line x1="{x(target)}" x2="{x(target)}" y1="2" y2="22" stroke="{INK}" stroke-width="1.5"/>',
    ]
    if alert is not None:
        parts.append(f'<line x1="{x(alert)}" x2="{x(alert)}" y1="2" y2="22" stroke="{INK}" stroke-dasharray="2 2"/>')
    return _svg(
        f"{outcome}: the value, its interval, target and alert", [*parts, _mark(x(value), 12, outcome)], 24, 160
    )


def timeline(title: str, slices: Sequence[TimeSlice], minutes: float) -> str:
    """Who answered, over the run: each column is a stretch of time, its parts the answers by server, errors on top."""
    tallest = max((each.total for each in slices), default=0)
    if not tallest:
        return ""
    width, parts = WIDTH / len(slices), []
    kinds = (
        ("vql", VQL, "0.55"),
        ("direct", SOFT, "0.35"),
        ("unknown", HOLD, "0.5"),
        ("fallback", DIRECT, "0.85"),
        ("errors", NO, "1"),
    )
    for column, each in enumerate(slices):
        bottom = 110.0
        for name, colour, opacity in kinds:
            height = getattr(each, name) / tallest * 84
            if height:
                bottom -= height
                parts.append(
                    f'<rect x="{column * width:.1f}" y="{bottom:.1f}" width="{width - 1.5:.1f}" '
                    f'height="{height:.1f}" fill="{colour}" fill-opacity="{opacity}"/>'
                )
    counts = {name: sum(getattr(each, name) for each in slices) for name, _, _ in kinds}
    x = 0.0
    for name, colour, opacity in kinds:
        if counts[name]:
            parts.append(f'<rect x="{x:.0f}" y="4" width="11" height="11" fill="{colour}" fill-opacity="{opacity}"/>')
            parts.append(_text(x + 16, 14, f"{counts[name]} {name}", INK))
            x += 28 + 7.2 * len(f"{counts[name]} {name}")
    parts.append(_axis(110, minutes, "min"))
    return _svg(title, parts, 128)


def trend(title: str, points: Sequence[TrendPoint], target: float | None, alert: float | None, unit: str) -> str:
    """A criterion over earlier runs and this one (the last): values, intervals, limits; marks by outcome."""
    if len(points) < 2:
        return ""
    scale = 100.0 if unit == "share" else 1.0
    shown = [point.value * scale for point in points]
    limits = [(name, limit * scale) for name, limit in (("target", target), ("alert", alert)) if limit is not None]
    top = max([*shown, *(limit for _, limit in limits)]) * 1.15 or 1.0
    bottom = min([*shown, 1.0]) * 0.9 if unit == "ratio" else 0.0

    def y(number: float) -> float:
        return round(110 - min(max((number - bottom) / (top - bottom), 0), 1) * 86, 1)

    step = (WIDTH - 140) / max(len(points) - 1, 1)
    parts = [f'<line x1="0" x2="{WIDTH - 110}" y1="110" y2="110" stroke="{LINE}"/>']
    lowest = 130.0  # labels of limits that lie close together stand above each other
    for name, limit in limits:
        parts.append(
            f'<line x1="0" x2="{WIDTH - 110}" y1="{y(limit)}" y2="{y(limit)}" stroke="{SOFT}" stroke-dasharray="4 3"/>'
        )
        lowest = min(y(limit) + 4, lowest - 14)
        parts.append(_text(WIDTH - 104, lowest, f"{name} {limit:g}{_suffix(unit)}", SOFT))
    parts += [
        _whisker(10 + number * step, y(point.low * scale), y(point.high * scale), point.outcome)
        for number, point in enumerate(points)
        if point.low is not None and point.high is not None
    ]
    line = " ".join(f"{10 + number * step:.1f},{y(value)}" for number, value in enumerate(shown))
    parts.append(f'<polyline points="{line}" fill="none" stroke="{SOFT}" stroke-opacity="0.5"/>')
    parts += [
        _mark(10 + number * step, y(value), point.outcome, 3.5 if len(points) < 80 else 2.2, point.name)
        for number, (point, value) in enumerate(zip(points, shown, strict=True))
    ]
    parts += [
        _text(0, 14, title, INK),
        _text(0, 126, points[0].name, SOFT),
        _text(WIDTH - 110, 126, points[-1].name, SOFT, "end"),
    ]
    return _svg(f"{title}: {len(points)} runs, last {shown[-1]:.2f}{_suffix(unit)}, {points[-1].outcome}", parts, 132)


def _bars(times: Sequence[float], top: float, colour: str, bins: int = 48) -> str:
    counts = [0] * bins
    for each in times:
        if each < top:
            counts[int(each / top * bins)] += 1
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
    """Met is a dot, missed a cross, not measured a ring: told apart without colour."""
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


def _suffix(unit: str) -> str:
    return {"share": " %", "ratio": "x"}.get(unit, f" {unit}")


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _svg(title: str, parts: Sequence[str], height: int, width: int = WIDTH) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        f'font-family="system-ui, sans-serif" font-size="12"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
