# SPDX-License-Identifier: MIT
"""Random programs of Binder's calls, by ashmem-probe of package/ashmem-tools."""

import re

import pytest
from ironroot import kernel_log

# Every refusal of the driver is a warning of its own; there are thousands.
REFUSALS = r"rust_binder: "
# What is none: the kernel's checks speak in the driver's name, or in nobody's.
REPORTS = r"WARNING|BUG|Oops|KASAN|UBSAN|panic|Call Trace|unreferenced"


@pytest.fixture
def fuzz(board, shell, probe):
    """Runs ashmem-probe; after it the log has refusals only and the driver serves as before."""
    if not board.has_package("ashmem-tools"):
        pytest.skip("the image does not have package/ashmem-tools")

    def run(command, timeout):
        # The refusals would take their time on the console.
        shell.run_check("cp /proc/sys/kernel/printk /tmp/printk; dmesg -n 1")
        # A warning leaves its mark here even when its text has left the log.
        tainted = shell.run_check("cat /proc/sys/kernel/tainted")
        try:
            said = shell.run_check(f"ashmem-probe {command}", timeout=timeout)
        finally:
            shell.run("dmesg -n $(cut -f1 /tmp/printk)")
        # Only what is no refusal travels; -c, so that the next look at the log has it no more.
        other = f"grep -vE '{REFUSALS}' /tmp/log; grep -E '{REPORTS}' /tmp/log"
        left = shell.run_check(f"dmesg -c -r > /tmp/log; ({other}) > /tmp/other; cat /tmp/other")
        assert not kernel_log.complaints(left), left
        assert shell.run_check("cat /proc/sys/kernel/tainted") == tainted
        assert probe.alive()
        return said

    return run


def test_fuzz(fuzz, rounds):
    """By several processes at a time, on sessions of one device."""
    seconds, seed = rounds(2, 600), rounds("1", "$(date +%s)")
    said = fuzz(f"fuzz binder {seed} {seconds}", seconds * 3 + 120)
    assert re.fullmatch(r"\d+ generations, \d+ programs in the corpus", said[-1]), said
