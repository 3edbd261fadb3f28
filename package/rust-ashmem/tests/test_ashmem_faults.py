# SPDX-License-Identifier: GPL-2.0
"""Requests that run out of memory, or of user memory, at each place where they can."""

import pytest

MODULE = "rust_ashmem"

MADE = ["open r", "size r 4p", "map m r 4p rw shared", "fill m 0 4p 7"]


@pytest.fixture
def faults(shell):
    """The kernel fails what it is asked to, and says nothing of it."""
    folder = "/sys/kernel/debug"
    if shell.run(f"test -d {folder}/failslab")[2] != 0:
        pytest.skip("the kernel cannot make allocations fail")
    kinds = ("failslab", "fail_usercopy")
    before = [shell.run_check(f"cat {folder}/{kind}/verbose")[0] for kind in kinds]
    for kind in kinds:
        shell.run_check(f"echo 0 > {folder}/{kind}/verbose")
    # An allocation that may wait fails too.
    shell.run_check(f"echo N > {folder}/failslab/ignore-gfp-wait")
    yield
    shell.run_check(f"echo Y > {folder}/failslab/ignore-gfp-wait")
    for kind, verbose in zip(kinds, before, strict=True):
        shell.run_check(f"echo {verbose} > {folder}/{kind}/verbose")


def failing(answers, commands, request, after):
    """A request whose Nth step fails, for one N after the other until none is left to fail.

    Gives its answers, and with each what the commands `after` it said. Some failures the kernel
    makes good itself: then the answer is as always.
    """
    for nth in range(1, 200):
        said = answers([*commands, f"fail {nth} {request}", *after])[len(commands) :]
        if said[0].endswith(" spared"):
            return
        yield said[0], said[1:]
    pytest.fail("no end to what can fail")


def test_unpin_without_memory(ashmem, faults, answers):
    """ENOMEM, and nothing has changed: the next PIN finds all pinned, the next UNPIN works."""
    after = ["info r unpinned", "status r 0 0", "pin r 0 0", "unpin r 0 0", "purge r", "pin r 0 0"]
    said = list(failing(answers, MADE, "unpin r 1p 2p", after))
    results = [result for result, _ in said]
    # Its argument, then the table; the arrays' first try has a second one in the kernel.
    assert results[:2] == ["EFAULT", "ENOMEM"]
    assert set(results) <= {"EFAULT", "ENOMEM", "0"}
    for result, state in said:
        unpinned = ["2", "0"] if result == "0" else ["0", "1"]
        assert state == [*unpinned, "0", "0", "4", "1"]


def test_pin_after_unpin_needs_no_memory(ashmem, faults, answers):
    """Whether it cuts a range in two or takes all of it: only its argument can be missing."""
    for request in ("pin r 1p 1p", "pin r 0 0"):
        said = list(failing(answers, [*MADE, "unpin r 0 0"], request, ["info r unpinned"]))
        assert said == [("EFAULT", ["4"])]


def test_mmap_without_memory(ashmem, faults, answers):
    """The first mapping fails as a whole: name and size are not fixed, and the next one works."""
    after = ["setname r late", "size r 2p", "map m r 2p rw shared", "maps m"]
    said = list(failing(answers, MADE[:2], "map m r 4p rw shared", after))
    failed = [state for result, state in said if result != "ok"]
    results = {result for result, _ in said}
    assert "ENOMEM" in results
    # ENOSPC is what shmem says when it has no inode; slab may have one in stock.
    assert results <= {"ENOMEM", "ENOSPC", "ok"}
    assert len(failed) >= 3
    for state in failed:
        assert state == ["ok", "ok", "ok", "rw-s /dev/ashmem/late (deleted)"]
