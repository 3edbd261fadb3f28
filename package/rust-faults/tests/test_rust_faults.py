# SPDX-License-Identifier: GPL-2.0
"""The debug kernel reports planted faults, and the suite's own checks see the reports."""

import pytest

MODULE = "rust_faults"
# Lockdep and KASAN report once: what comes after these needs a kernel that can again.
pytestmark = [pytest.mark.breaks_kernel, pytest.mark.usefixtures("fresh_kernel")]


@pytest.mark.parametrize(
    ("fault", "report"),
    [
        # In this order: lockdep ends with its first report, and with KASAN's.
        pytest.param(3, "BUG: sleeping function called from invalid context", id="sleep"),
        pytest.param(2, "WARNING: possible circular locking dependency", id="inversion"),
        pytest.param(1, "BUG: KASAN: slab-use-after-free in", id="use-after-free"),
    ],
)
def test_a_planted_fault_is_reported(board, shell, quiet_console, module, fault, report):
    shell.run_check(f"modprobe {MODULE} fault={fault}", timeout=60)
    found = board.new_complaints()
    assert any(report in line for line in found), found
    assert any(MODULE in line for line in found), found


def test_a_planted_leak_is_reported(board, module):
    board.leaks()
    module.load("fault=4")
    found = board.leaks()
    assert any(f"[{MODULE}]" in line for line in found), found


@pytest.mark.expects(rf"{MODULE}: fault=\d+: not in 1 to 4")
@pytest.mark.parametrize("value", ["0", "5"])
def test_refuses_a_fault_that_it_does_not_have(module, value):
    assert module.refuses(f"fault={value}")
