# SPDX-License-Identifier: MIT
"""Adds up the reports of several pytest runs: what failed, and one summary line as pytest's."""

import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

reports, seconds = Path(sys.argv[1]), float(sys.argv[2])
FIRST_LINE = 300
counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
for report in sorted(reports.glob("*.xml")):
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        for name in counts:
            counts[name] += int(suite.get(name, 0))
        for case in suite.iter("testcase"):
            for wrong in [*case.iter("failure"), *case.iter("error")]:
                where = f"{suite.get('name')}: {case.get('classname')}.{case.get('name')}"
                print(f"FAILED {where}: {(wrong.get('message') or '')[:FIRST_LINE]!r}")
passed = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
words = [
    (counts["failures"], "failed"),
    (passed, "passed"),
    (counts["skipped"], "skipped"),
    (counts["errors"], "errors"),
]
text = ", ".join(f"{count} {word}" for count, word in words if count) or "no tests ran"
print(f" {text} in {seconds:.2f}s ".center(80, "="))
if not counts["tests"]:
    sys.exit(f"ironroot: error: no test matches K={os.environ.get('K', '')}")
