# SPDX-License-Identifier: MIT
"""Adds up the reports of several pytest runs: what failed, and one summary line as pytest's."""

import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

reports, seconds = Path(sys.argv[1]), float(sys.argv[2])
FIRST_LINE = 300
# A test that passes and whose fixture then fails is one passed and one error, as pytest has it.
TEARDOWN = "failed on teardown"


def identity(case):
    return case.get("classname"), case.get("name")


counts = {"passed": 0, "failed": 0, "skipped": 0, "errors": 0}
for report in sorted(reports.glob("*.xml")):
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        # One that fails twice, its fixture after it, stands there twice.
        cases = list(suite.iter("testcase"))
        failed = {identity(case) for case in cases if case.find("failure") is not None}
        for case in cases:
            failures, errors = case.findall("failure"), case.findall("error")
            late = [error for error in errors if (error.get("message") or "").startswith(TEARDOWN)]
            skipped = case.find("skipped") is not None
            counts["failed"] += len(failures)
            counts["errors"] += len(errors)
            counts["skipped"] += skipped
            counts["passed"] += errors == late and not skipped and identity(case) not in failed
            for wrong in [*failures, *errors]:
                where = f"{suite.get('name')}: {'.'.join(identity(case))}"
                print(f"FAILED {where}: {(wrong.get('message') or '')[:FIRST_LINE]!r}")
words = [(counts[word], word) for word in ("failed", "passed", "skipped", "errors")]
text = ", ".join(f"{count} {word}" for count, word in words if count) or "no tests ran"
print(f" {text} in {seconds:.2f}s ".center(80, "="))
if not any(counts.values()):
    sys.exit(f"ironroot: error: no test matches K={os.environ.get('K', '')}")
