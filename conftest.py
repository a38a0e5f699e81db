"""The list of plugins, and nothing else: each subject brings its options, header lines and fixtures itself."""

pytest_plugins = [
    "reports.selection",
    "reports.gate",
    "fixtures.options",
    "fixtures.start",
    "fixtures.phase",
    "fixtures.planning",
    "fixtures.past",
    "fixtures.sandbox.drills",
]
