"""Commands that a run prints are made of its own options, and a live one says that it has to be live."""

import shlex

import pytest

from fixtures.session.options import OPTIONS
from reports.records import commands

LIVE = {"target": "live", "env_file": "my live.env", "contract": "ours.toml", "seed": 7, "max_rps": 5.0}
SANDBOX = {"target": "sandbox", "fault": ["stale-record", "slow-index:3"], "rows": 400, "samples": 64, "seed": 13}


def test_a_check_is_asked_again_of_the_same_target_with_the_same_samples() -> None:
    arguments = shlex.split(commands.again("phase1", "contact-endpoint", SANDBOX))

    assert arguments[:5] == ["pytest", "-m", "phase1", "-k", "contact-endpoint"]
    assert arguments[5:] == shlex.split(
        "--target sandbox --fault stale-record --fault slow-index:3 --rows 400 --samples 64 --seed 13"
    )


def test_every_command_for_a_live_target_requires_one() -> None:
    made = (
        commands.again("phase1", "c", LIVE),
        commands.rerun(["phase1", "phase2"], LIVE),
        commands.verify_rollback(["VQL_EXPORTS"], LIVE),
    )

    assert all("--require-live" in command and "--env-file 'my live.env'" in command for command in made)
    assert "-m 'phase1 or phase2'" in made[1]


def test_a_run_that_was_started_elsewhere_names_the_checkout_last() -> None:
    options = {"target": "live", "env_file": "live.env", "checkout": "/srv/vql gate"}

    assert commands.rerun(["phase1"], options).endswith("--require-live '/srv/vql gate'")
    assert commands.again("phase1", "contact-endpoint", options).endswith("--require-live '/srv/vql gate'")
    assert "srv" not in " ".join(commands.prepare_shell(options))


def test_a_rollback_on_the_sandbox_is_verified_with_those_flags_on() -> None:
    command = commands.verify_rollback([], SANDBOX)

    assert "--flags none" in command
    assert "--expect-flags none" in command


def test_what_ended_the_sampling_is_left_out_where_more_is_needed() -> None:
    assert "--samples" not in commands.rerun(["phase1"], SANDBOX, without=("samples",))


def test_a_shell_is_prepared_with_the_settings_and_a_token() -> None:
    lines = commands.prepare_shell(LIVE)

    assert lines[0] == "set -a; . './my live.env'; set +a"
    assert lines[1].startswith('export CONTACT360_TOKEN="$(python -m fixtures.token --env-file')


def test_every_option_is_repeated_or_left_out_for_a_reason() -> None:
    left_out = {option.destination for option in OPTIONS if option.not_repeated}

    assert {option.destination for option in OPTIONS} >= {*commands.NAMES}
    assert not left_out & {*commands.NAMES}


@pytest.mark.parametrize("command", [commands.again("phase1", "x", {"new": 3}), commands.rerun(["phase1"], {"new": 3})])
def test_an_option_of_no_list_is_repeated(command: str) -> None:
    assert "--new 3" in command


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"waivers": "ours.toml"}, "--waivers ours.toml"),
        ({"traffic": ["a.log", "b c.log"]}, "--traffic a.log --traffic 'b c.log'"),
        ({"bake": True, "history": "runs"}, "--history runs --bake"),
        ({"out": "runs out"}, "--out 'runs out'"),
        ({"max_sql_cost": 5e6, "stop_after": 3}, "--max-sql-cost 5000000 --stop-after 3"),
    ],
)
def test_a_run_is_repeated_with_what_settled_it(options: dict[str, object], arguments: str) -> None:
    assert arguments in commands.rerun(["phase1"], {"target": "live", **options})


def test_an_option_of_one_mark_stands_on_its_commands_only() -> None:
    options = {"target": "live", "expect_flags": "none", "canary_ok": True}

    assert "--expect-flags none" in commands.rerun(["rollback"], options)
    assert "--canary-ok" in commands.rerun(["canary"], options)
    assert commands.rerun(["phase1"], options) == "pytest -m phase1 --target live --require-live"
