# SPDX-License-Identifier: MIT
"""KUnit's results: the kernel crate's documentation tests and its unit tests."""

import pytest
from ironroot import kernel, ktap

RESULTS = "/sys/kernel/debug/kunit"
# The kernel crate's examples in 7.3; a parser that lost half of them must not pass.
DOCTESTS = 250


@pytest.fixture
def suites(shell):
    """The names of the suites that ran at boot."""
    if "CONFIG_KUNIT" not in kernel.fragments():
        pytest.skip("this kernel has no KUnit; VARIANT=debug has")
    return shell.run_check(f"ls -1 {RESULTS}")


def test_every_kunit_case_passed(shell, suites, record_property):
    cases, planned = [], 0
    for suite in suites:
        lines = shell.run_check(f"grep -E 'ok |^ *1\\.\\.' {RESULTS}/{suite}/results", timeout=60)
        found, announced = ktap.parse(lines)
        assert announced == len(found), f"{suite}: {announced} announced, {len(found)} came"
        cases += [case for case in found if case.depth]
        planned += announced
    states = {
        state: [c.name for c in cases if c.state == state]
        for state in ("passed", "failed", "skipped")
    }
    for state, names in states.items():
        record_property(f"kunit_{state}", len(names))
    print(f"KUnit: {len(suites)} suites; " + ", ".join(f"{len(n)} {s}" for s, n in states.items()))
    assert states["failed"] == []
    assert "rust_doctests_kernel" in suites
    assert len([name for name in states["passed"] if name.startswith("rust_doctest_")]) > DOCTESTS
