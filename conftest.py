"""The list of plugins, and nothing else: each subject brings its options, header lines and fixtures itself."""

pytest_plugins = [
    "reports.plugin.net",
    "reports.plugin.selection",
    "reports.plugin.gate",
    "fixtures.session.options",
    "fixtures.session.header",  # these three before `start`, which imports them
    "fixtures.session.earlier_runs",
    "fixtures.checks.phase",
    "fixtures.session.start",
    "fixtures.session.plan",
    "fixtures.traffic.session",
    "fixtures.sandbox.faults.drill_matrix",
]
