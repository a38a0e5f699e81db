"""Numbers with their interval: shares, latency ratios, noise floors, and what zero mismatches prove.

Sources: the rules in docs/judge.md; every interval is two-sided 99.7 % unless said. SciPy.s own functions wherever it
has them.
"""

from reports.judge.statistics.bounds import most_wrong, zero_bound, zero_bound_stratified
from reports.judge.statistics.measurement import Interval, Measurement
from reports.judge.statistics.ratios import (
    block_means,
    blocks_of,
    latency_ratio,
    log_ratio,
    noise_floor,
    old_against_old,
    p95_ratio,
    p95_value,
    quantile95,
    ratio_of_means,
    tail_is_slower,
    tail_signs,
)
from reports.judge.statistics.runs import autocorrelation, cusum, deviation, typical_variance, units
from reports.judge.statistics.shares import (
    alarm_count,
    clustered,
    design_effect,
    effective_count,
    exact_share,
    moments_needed,
    needed_for_go,
    pooled_share,
    share,
    share_bound,
    share_by_run,
    share_change,
    share_in_time,
    widening,
)

__all__ = [
    "Interval",
    "Measurement",
    "alarm_count",
    "autocorrelation",
    "block_means",
    "blocks_of",
    "clustered",
    "cusum",
    "design_effect",
    "deviation",
    "effective_count",
    "exact_share",
    "latency_ratio",
    "log_ratio",
    "moments_needed",
    "most_wrong",
    "needed_for_go",
    "noise_floor",
    "old_against_old",
    "p95_ratio",
    "p95_value",
    "pooled_share",
    "quantile95",
    "ratio_of_means",
    "share",
    "share_bound",
    "share_by_run",
    "share_change",
    "share_in_time",
    "tail_is_slower",
    "tail_signs",
    "typical_variance",
    "units",
    "widening",
    "zero_bound",
    "zero_bound_stratified",
]
