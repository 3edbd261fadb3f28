# SPDX-License-Identifier: MIT
"""Reads KTAP, the format of KUnit's results (Documentation/dev-tools/ktap.rst)."""

import re
from dataclasses import dataclass

RESULT = re.compile(
    r"^(?P<indent> *)(?P<word>ok|not ok) \d+ ?(?:- )?(?P<name>[^#]*)(?P<rest>#.*)?$"
)
PLAN = re.compile(r"^(?P<indent> *)1\.\.(?P<count>\d+)$")


@dataclass(frozen=True)
class Case:
    """One test case, or one suite where `depth` is 0."""

    name: str
    depth: int
    state: str


def parse(lines):
    """All results, and the number of results that the plans announce."""
    cases, planned = [], 0
    for line in lines:
        if match := PLAN.match(line):
            planned += int(match["count"])
        elif match := RESULT.match(line):
            skipped = (match["rest"] or "").upper().startswith("# SKIP")
            state = "skipped" if skipped else {"ok": "passed", "not ok": "failed"}[match["word"]]
            cases.append(Case(match["name"].strip(), len(match["indent"]) // 4, state))
    return cases, planned
