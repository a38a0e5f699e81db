"""The files to copy: they parse, name only what exists, and the tools that will read them take them."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.session.options import KNOWN_VARIABLES, OPTIONS
from fixtures.settings import attestations
from fixtures.settings.settings import NAMES
from reports.judge.criteria import read_gate
from reports.output import prometheus

OURS = {*NAMES, *KNOWN_VARIABLES, "CI"}
WORKFLOWS = ("checks", "gate", "canary", "availability")
WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import pytest
left_out = [f"--ignore=suites/{name}" for name in ("selftest", "drills", "benchmarks")]
sys.exit(pytest.main(["-m", "canary", "--collect-only", "-q", "-p", "no:cacheprovider", *left_out]))
"""
NO_PROMTOOL = "no promtool on this machine: apt-get install prometheus"
NO_SYSTEMD = "no systemd-analyze on this machine"


def _workflow(checkout: Path, name: str) -> dict[Any, Any]:
    workflow: dict[Any, Any] = yaml.safe_load((checkout / ".github" / "workflows" / f"{name}.yml").read_text())
    return workflow


def _steps(workflow: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_what_github_needs(checkout: Path, name: str) -> None:
    workflow = _workflow(checkout, name)

    assert workflow["name"] == name
    assert workflow[True], "`on` is YAML's true"
    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())
    assert all(("run" in step) != ("uses" in step) for step in _steps(workflow))
    assert all(
        re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", step["uses"]) for step in _steps(workflow) if "uses" in step
    )


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_workflow_puts_foreign_text_into_a_shell(checkout: Path, name: str) -> None:
    assert [step["run"] for step in _steps(_workflow(checkout, name)) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("name", ["gate", "canary", "availability"])
def test_a_workflow_sets_only_what_is_read(checkout: Path, name: str) -> None:
    settings = {variable for step in _steps(_workflow(checkout, name)) for variable in step.get("env", {})}

    assert settings - OURS <= {"PHASE", "LIVE_ENV"}
    assert {"CONTACT360_BASE_URL", "CONNECTRA_API_KEY", "DATABASE_URL", "VQL_LINKEDIN_SEARCH"} <= settings


def test_the_gate_to_call_passes_on_every_secret_it_declares(checkout: Path) -> None:
    workflow = _workflow(checkout, "gate")
    used = re.findall(r"secrets\.(\w+)", json.dumps(workflow["jobs"]))

    assert set(used) == set(workflow[True]["workflow_call"]["secrets"])
    assert workflow["jobs"]["gate"]["outputs"] == {"verdict": "${{ steps.gate.outputs.verdict }}"}


@pytest.mark.parametrize("name", ["gate", "canary", "availability"])
def test_a_history_is_saved_under_a_key_that_the_next_run_finds(checkout: Path, name: str) -> None:
    steps = [step for step in _steps(_workflow(checkout, name)) if "uses" in step]
    actions = {step["uses"].partition("@")[0]: step.get("with") for step in steps}
    restored, saved = actions["actions/cache/restore"], actions["actions/cache/save"]

    assert saved["path"] == restored["path"]
    assert saved["key"].startswith(restored["restore-keys"])
    assert "${{ github.run_id }}" in saved["key"], "a key is never overwritten"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_pinned_action_says_its_version_and_a_checkout_leaves_no_token(checkout: Path, name: str) -> None:
    text = (checkout / ".github" / "workflows" / f"{name}.yml").read_text()
    checkouts = [step for step in _steps(_workflow(checkout, name)) if "actions/checkout@" in step.get("uses", "")]

    assert re.findall(r"uses: actions/(?!.*@[0-9a-f]{40} # v\d+\.\d+\.\d+$).*", text, re.MULTILINE) == []
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert "secrets: inherit" not in text
    assert not re.search(r"@(main|master|v\d+)\b", text), "a branch or a tag can be moved"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_secret_goes_by_its_name_to_the_one_step_that_needs_it(checkout: Path, name: str) -> None:
    workflow = _workflow(checkout, name)
    steps = [step for step in _steps(workflow) if "secrets." in json.dumps(step)]
    elsewhere = {**workflow, "jobs": {job: {**entry, "steps": []} for job, entry in workflow["jobs"].items()}}

    assert "secrets." not in json.dumps({key: value for key, value in elsewhere.items() if key is not True})
    assert len(steps) <= 1
    settings = {variable: value for step in steps for variable, value in step["env"].items() if "secrets." in value}
    assert {variable: f"${{{{ secrets.{variable} }}}}" for variable in settings} == settings
    assert "secrets." not in json.dumps([{**step, "env": {}} for step in steps])
    assert "toJSON(secrets)" not in json.dumps(workflow["jobs"])


@pytest.mark.parametrize("path", ["live.env", "sandbox.env", "docs/live.env", ".env", ".env.production", "a b.env"])
def test_git_and_docker_ignore_a_settings_file(checkout: Path, path: str) -> None:
    completed = subprocess.run(
        ["git", "check-ignore", "--no-index", path], cwd=checkout, capture_output=True, text=True
    )

    assert completed.stdout.strip().strip('"') == path
    assert {"*", "**/*.env", "**/.env*"} <= set((checkout / ".dockerignore").read_text().splitlines())


def test_the_example_of_a_settings_file_is_kept(checkout: Path) -> None:
    completed = subprocess.run(["git", "check-ignore", "--no-index", ".env.example"], cwd=checkout, capture_output=True)

    assert completed.returncode == 1


def test_the_image_gets_what_a_list_names(checkout: Path) -> None:
    dockerfile = (checkout / "docs" / "deploy" / "kubernetes" / "Dockerfile").read_text()
    copied = [part for line in re.findall(r"^COPY (.*)$", dockerfile, re.MULTILINE) for part in line.split()[:-1]]
    let_in = re.findall(r"^!(.+)$", (checkout / ".dockerignore").read_text(), re.MULTILINE)

    assert sorted(copied) == sorted(let_in)
    assert all((checkout / entry).exists() for entry in copied)
    assert "ADD " not in dockerfile


def test_a_live_run_needs_nothing_of_the_sandbox(checkout: Path) -> None:
    extras = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = [re.match(r"[\w-]+", text)[0] for text in extras["sandbox"]]
    modules = [{"pyjwt": "jwt", "osmem-server": "osmem"}.get(name, name.replace("-", "_")) for name in names]
    completed = subprocess.run([sys.executable, "-c", WITHOUT, *modules], cwd=checkout, capture_output=True, text=True)

    assert completed.returncode == 0, completed.stdout[-2000:] + completed.stderr[-2000:]


def test_the_cronjob_runs_one_canary_at_a_time_and_never_twice(checkout: Path) -> None:
    path = checkout / "docs" / "deploy" / "kubernetes" / "cronjob.yaml"
    listed = list(yaml.safe_load_all(path.read_text()))
    by_kind = {entry["kind"]: entry for entry in reversed(listed)}
    spec = by_kind["CronJob"]["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert {entry["apiVersion"] for entry in by_kind.values()} == {"v1", "batch/v1"}
    assert (spec["concurrencyPolicy"], spec["jobTemplate"]["spec"]["backoffLimit"], pod["restartPolicy"]) == (
        "Forbid",
        0,
        "Never",
    )
    assert {entry["name"] for entry in container["volumeMounts"]} == {entry["name"] for entry in pod["volumes"]}
    assert (
        pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == by_kind["PersistentVolumeClaim"]["metadata"]["name"]
    )
    settings = {
        *by_kind["Secret"]["stringData"],
        *by_kind["ConfigMap"]["data"],
        *(entry["name"] for entry in container["env"]),
    }
    assert settings <= OURS
    assert container["args"] == ["-m", "canary", "--canary-ok", "--require-live"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason=NO_SYSTEMD)
def test_systemd_takes_the_units(checkout: Path, tmp_path: Path) -> None:
    for path in (checkout / "docs" / "deploy" / "systemd").iterdir():
        text = path.read_text().replace("/opt/contact360-vql-gate/.venv/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text)

    units = [str(path) for path in sorted(tmp_path.iterdir())]
    completed = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)

    assert len(units) == 4
    assert completed.stderr == ""


def test_every_schedule_treats_a_canarys_exit_codes_alike(checkout: Path) -> None:
    paths = ("docs/deploy/systemd/vql-gate-canary.service", ".github/workflows/canary.yml")
    texts = [(checkout / path).read_text() for path in paths]

    assert all("-m canary --canary-ok --require-live" in text for text in texts)
    assert not any("SuccessExitStatus" in text or "code=0" in text for text in texts)
    assert "| `6` |" in (checkout / "docs" / "pipelines.md").read_text()


def test_the_rules_rest_on_series_that_are_written(checkout: Path) -> None:
    folder = checkout / "docs" / "deploy" / "prometheus"
    groups = yaml.safe_load((folder / "vql-gate.rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}

    assert {name for rule in rules for name in _series(rule["expr"])} <= {*prometheus.FAMILIES, *recorded}
    levels = [rule["labels"].get("level") for rule in rules if "alert" in rule]
    assert (levels.count("target"), levels.count("alert")) == (5, 5), "the guide's five metrics, each with both levels"
    assert all('target="live"' in rule["expr"] for rule in rules if "alert" in rule)


@pytest.mark.skipif(shutil.which("promtool") is None, reason=NO_PROMTOOL)
def test_promtool_passes_the_rules_tests(checkout: Path) -> None:
    folder = checkout / "docs" / "deploy" / "prometheus"
    completed = subprocess.run(
        ["promtool", "test", "rules", "vql-gate.rules.test.yml"], cwd=folder, capture_output=True, text=True
    )

    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "SUCCESS" in completed.stdout + completed.stderr


def test_the_dashboard_shows_series_that_are_written(checkout: Path) -> None:
    expressions = list(_dashboard(checkout))
    rules = (checkout / "docs" / "deploy" / "prometheus" / "vql-gate.rules.yml").read_text()
    recorded = set(re.findall(r"record: (\S+)", rules))

    shown = {name for expression in expressions for name in _series(expression)}
    assert shown <= {*prometheus.FAMILIES, *recorded}
    assert recorded <= shown, "the guide's five metrics are all on it"


@pytest.mark.skipif(shutil.which("promtool") is None, reason=NO_PROMTOOL)
def test_prometheus_understands_the_dashboards_questions(checkout: Path, tmp_path: Path) -> None:
    attested = [text.replace("$target", "live").replace("$phase", ".*") for text in _dashboard(checkout)]
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(attested)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    completed = subprocess.run(
        ["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True
    )

    assert completed.returncode == 0, completed.stdout + completed.stderr


def _dashboard(checkout: Path) -> Iterator[str]:
    dashboard = json.loads((checkout / "docs" / "deploy" / "grafana" / "vql-gate.json").read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])


def _series(expression: str) -> set[str]:
    return set(re.findall(r"vql_gate[\w:]*", expression))


def test_the_gate_to_call_reaches_every_phase(checkout: Path) -> None:
    (step,) = [step for step in _steps(_workflow(checkout, "gate")) if step.get("id") == "gate"]
    needed = {"GATE_ATTESTATIONS", "GATE_ALLOW_COST", "GATE_CONTRACT", "GATE_EXPECT_FLAGS", "GATE_BAKE", "LIVE_ENV"}

    assert needed <= set(step["env"])
    assert step["run"].strip().endswith('reports check reports/out/latest --phase "$PHASE" --require-live')


@pytest.mark.parametrize("name", ["gitlab-ci.yml", "Jenkinsfile", "argo-rollouts.yaml", "flagger.yaml"])
def test_a_pipelines_file_names_only_what_exists(checkout: Path, name: str) -> None:
    text = (checkout / "docs" / "deploy" / "pipelines" / name).read_text()
    options_known = {option.name for option in OPTIONS} | {"--phase"}
    suite = text.replace('"', " ").replace("'", " ").replace(",", " ")
    lines = [line for line in suite.splitlines() if "--require-live" in line]

    assert lines, "a gate that may run on the sandbox holds nothing back"
    assert {option for line in lines for option in re.findall(r"--[a-z][a-z-]+", line)} <= options_known
    assert set(re.findall(r"\bGATE_[A-Z_]+", text)) <= {*OURS, "GATE_SUITE", "GATE_REF"}
    if name.endswith((".yml", ".yaml")):
        assert list(yaml.safe_load_all(text))


def test_the_example_of_sign_offs_has_every_line_that_a_gate_asks_for(checkout: Path) -> None:
    gates = [read_gate(path.read_text(), str(path)) for path in (checkout / "suites").glob("*/gate.toml")]
    attested = {
        line
        for gate in gates
        for criterion in gate.criteria
        if criterion.rule == "attested"
        for line in criterion.checks
    }

    signed = attestations.read(checkout / "attestations.example.toml", attested)

    assert {criterion.line for criterion in signed} == attested


FILES = re.compile(r"^\| `((?:\.github|docs)/[\w./-]+)` \| (.+) \|$", re.MULTILINE)
LEFT_OUT = re.compile(r"^\| (`[A-Z_`, ]+) \| ([a-z, ]+) \| .+ \|$", re.MULTILINE)
CHANNELS = {  # by which all settings of a kind get in: a text of the file
    "gitlab-ci.yml": '--env-file "$LIVE_ENV"',
    "Jenkinsfile": "environment {",
    "argo-rollouts.yaml": "configMapRef: {name: vql-gate-flags}",
    "flagger.yaml": "the settings in its environment",
    "cronjob.yaml": "configMapRef: {name: vql-gate-flags}",
    "vql-gate-canary.service": "EnvironmentFile=/etc/vql-gate.env",
    "vql-gate-availability.service": "EnvironmentFile=/etc/vql-gate.env",
}


def _settings_in(checkout: Path) -> dict[str, Path]:
    text = (checkout / "docs" / "pipelines.md").read_text()
    return {Path(name).name: checkout / name for name, _ in FILES.findall(text)}


def test_the_page_says_of_every_file_how_a_setting_gets_in(checkout: Path) -> None:
    runs = [
        *(checkout / ".github" / "workflows").glob("*.yml"),
        *(checkout / "docs" / "deploy" / "pipelines").iterdir(),
        *(checkout / "docs" / "deploy" / "kubernetes").glob("*.yaml"),
        *(checkout / "docs" / "deploy" / "systemd").glob("*.service"),
    ]

    assert {path.name for path in runs} - {"checks.yml"} == _settings_in(checkout).keys()


@pytest.mark.parametrize("name", CHANNELS)
def test_a_file_with_a_way_for_every_setting_has_it(checkout: Path, name: str) -> None:
    assert CHANNELS[name] in _settings_in(checkout)[name].read_text()


@pytest.mark.parametrize("name", ["gate", "canary", "availability"])
def test_every_setting_is_in_a_workflow_or_left_out_for_a_reason(checkout: Path, name: str) -> None:
    text = (checkout / ".github" / "workflows" / f"{name}.yml").read_text()
    rows = LEFT_OUT.findall((checkout / "docs" / "pipelines.md").read_text())
    left_out = {
        setting for row, files in rows if name in files or files == "all" for setting in re.findall(r"\w+", row)
    }
    settings = {
        variable
        for option in OPTIONS
        for variable in [option.variable]
        if re.search(rf"{option.name}(?![\w-])", text) or variable in text
    } | {variable for variable in (*NAMES, *KNOWN_VARIABLES) if variable in text}
    by_file = set(NAMES) if "LIVE_ENV" in text else set()  # a settings file holds each of these

    assert {*NAMES, *KNOWN_VARIABLES} - settings - by_file - left_out - {"CI"} == set()
    assert settings & left_out == set(), "both there and left out"
