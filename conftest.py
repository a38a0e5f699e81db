"""The list of plugins, and nothing else: each subject brings its options, header lines and fixtures itself."""

pytest_plugins = [
    "reports.plugin.net",
    "reports.plugin.selection",
    "reports.plugin.gate",
    "fixtures.session.options",
    "fixtures.session.start",
    "fixtures.session.header",
    "fixtures.checks.phase",
    "fixtures.session.plan",
    "fixtures.traffic.session",
    "fixtures.session.earlier_runs",
    "fixtures.sandbox.faults.drill_matrix",
]
