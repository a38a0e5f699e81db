"""Own small SVG pictures: latency distributions and intervals against their limits. No library, no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reports.observations import Pair

VQL, DIRECT = "#4477aa", "#ee6677"  # told apart by the colour-blind, and labelled with words all the same
WIDTH, HEIGHT = 560, 150


def distribution(title: str, pairs: Sequence[Pair]) -> str:
    """Both paths' times as histograms over each other, medians and p95 marked, numbers in text."""
    if not pairs:
        return ""
    vql, direct = sorted(pair.vql_ms for pair in pairs), sorted(pair.direct_ms for pair in pairs)
    top = max(_quantile(vql, 0.995), _quantile(direct, 0.995)) * 1.02
    parts = [_bars(direct, top, DIRECT), _bars(vql, top, VQL)]
    for times, colour in ((direct, DIRECT), (vql, VQL)):
        parts += [_mark(_quantile(times, 0.5), top, colour, ""), _mark(_quantile(times, 0.95), top, colour, "4 3")]
    parts += [
        f'<text x="{WIDTH - 8}" y="{16 + 16 * row}" text-anchor="end" fill="{colour}">{name}: median '
        f"{_quantile(times, 0.5):.1f} ms, p95 {_quantile(times, 0.95):.1f} ms</text>"
        for row, (name, times, colour) in enumerate((("VQL", vql, VQL), ("direct", direct, DIRECT)))
    ]
    parts += [f'<text x="4" y="{HEIGHT - 4}">0 ms</text>',
              f'<text x="{WIDTH - 4}" y="{HEIGHT - 4}" text-anchor="end">{top:.0f} ms</text>']  # fmt: skip
    return _svg(f"{title}: time per call over {len(pairs)} pairs", parts, HEIGHT)


def interval(title: str, value: float, bounds: Sequence[float], target: float, alert: float) -> str:
    """A ratio with its interval on a line, the target and the alert level drawn."""
    low, high = bounds
    top = max(high, alert) * 1.1
    bottom = min(low, 0.8) * 0.95

    def x(number: float) -> float:
        return round(20 + (number - bottom) / (top - bottom) * (WIDTH - 40), 1)

    parts = [
        f'<line x1="{x(low)}" x2="{x(high)}" y1="34" y2="34" stroke="{VQL}" stroke-width="4"/>',
        f'<circle cx="{x(value)}" cy="34" r="6" fill="{VQL}"/>',
        f'<text x="{x(value)}" y="22" text-anchor="middle" fill="{VQL}">{value:.2f} times direct</text>',
    ]
    for limit, name in ((1.0, "same"), (target, f"target {target:.2f}"), (alert, f"alert {alert:.2f}")):
        parts.append(f'<line x1="{x(limit)}" x2="{x(limit)}" y1="28" y2="46" stroke="#555"/>')
        parts.append(f'<text x="{x(limit)}" y="60" text-anchor="middle">{name}</text>')
    return _svg(title, parts, 68)


def _bars(times: Sequence[float], top: float, colour: str, bins: int = 40) -> str:
    counts = [0] * bins
    for each in times:
        if each < top:
            counts[int(each / top * bins)] += 1
    tallest = max(counts) or 1
    width = WIDTH / bins
    return "".join(
        f'<rect x="{index * width:.1f}" y="{HEIGHT - 18 - count / tallest * 90:.1f}" width="{width - 1:.1f}" '
        f'height="{count / tallest * 90:.1f}" fill="{colour}" fill-opacity="0.45"/>'
        for index, count in enumerate(counts)
        if count
    )


def _mark(at: float, top: float, colour: str, dash: str) -> str:
    x = round(at / top * WIDTH, 1)
    return f'<line x1="{x}" x2="{x}" y1="38" y2="{HEIGHT - 18}" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _svg(title: str, parts: Sequence[str], height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#333"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>'
    )
