"""`python -m suites.selftest.support.pictures RUN_FOLDER`: pictures of a run's page for the README, light and dark.

The first screen of summary.html at 1280 by 900 pixels becomes docs/page-light.png and docs/page-dark.png. It needs a
Chromium. 0: written; 4: there is no page, or no Chromium.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from suites.selftest.support import chromium

DOCS = Path(__file__).parents[3] / "docs"
WIDTH, HEIGHT = 1280, 900


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help="a folder in reports/out, or reports/out/latest")
    parser.add_argument("--into", type=Path, default=DOCS, metavar="DIR", help="where to write (default: docs)")
    options = parser.parse_args(arguments)
    page = options.run / "summary.html"
    if not page.exists() or chromium.installed() is None:
        why = f"{page}: no such file" if not page.exists() else "no Chromium on this machine: apt-get install chromium"
        sys.stderr.write(f"pictures: {why}\n")
        return 4
    with tempfile.TemporaryDirectory() as profile, chromium.browsing(Path(profile)) as tab:
        for name, dark in (("light", False), ("dark", True)):
            tab.open(page.resolve().as_uri(), width=WIDTH, height=HEIGHT, dark=dark)
            tab.picture(options.into / f"page-{name}.png", full_page=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
