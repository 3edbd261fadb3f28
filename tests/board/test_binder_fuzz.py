# SPDX-License-Identifier: MIT
"""Random programs of Binder's calls, by ashmem-probe of package/ashmem-tools."""

import re
import time

import pytest
from ironroot import corpus, kernel, kernel_log

# Every refusal of the driver is a line of its own, and there are thousands: of those that begin so
# only what a check of the kernel says, or a panic, leaves the board.
PICK = r"awk '!/rust_binder: / || /WARNING|BUG|KASAN|UBSAN|panic/'"
# A mapping larger than the memory, as the fuzzer asks for, and the kernel's word for it.
TOO_LARGE = r"__vm_enough_memory: "
CORPUS = "/tmp/binder-corpus"


@pytest.fixture
def fuzz(board, shell, probe, quiet_console):
    """Runs ashmem-probe; after it the log has refusals only and the driver serves as before."""
    if not board.has_package("ashmem-tools"):
        pytest.skip("the image does not have package/ashmem-tools")

    def run(command, timeout):
        # A warning leaves its mark here even when its text has left the log.
        tainted = shell.run_check("cat /proc/sys/kernel/tainted")
        said = shell.run_check(f"ashmem-probe {command}", timeout=timeout)
        new = board.new_log(PICK)
        # Nobody needs to look at the refusals again.
        shell.run_check("dmesg -c > /dev/null")
        assert not kernel_log.complaints(new, [TOO_LARGE])
        assert shell.run_check("cat /proc/sys/kernel/tainted") == tainted
        assert probe.alive()
        return said

    return run


def test_fuzz(fuzz, shell, rounds):
    """By several processes at a time, on sessions of one device."""
    seconds, seed = rounds(2, 600), rounds(1, int(time.time()))
    shell.run_check(f"rm -f {CORPUS}")
    said = fuzz(f"fuzz binder {seed} {seconds} {CORPUS}", seconds * 3 + 120)
    told = re.fullmatch(r"\d+ generations, (\d+) places of code, (\d+) programs kept", said[-1])
    assert told, said
    # Code is seen where the kernel shows it, and only there.
    assert (int(told[1]) > 0) == ("CONFIG_KCOV" in kernel.fragments()), said
    assert len(corpus.fetch(shell, CORPUS, f"binder-{seed}")) == int(told[2])


def test_replay(fuzz):
    """The programs that earlier runs kept: package/ashmem-tools/src/fuzz/binder.corpus."""
    said = fuzz("replay binder", 120)
    told = re.fullmatch(r"(\d+) programs, (\d+) places of code", said[-1])
    assert told, said
    assert (int(told[2]) > 0) == ("CONFIG_KCOV" in kernel.fragments()), said
    assert int(told[1]) == len(corpus.committed("binder"))
