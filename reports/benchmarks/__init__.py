"""How often the judge errs, and what it costs: simulated rollouts with known truth. `python -m reports.benchmarks`."""
