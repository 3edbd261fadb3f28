# SPDX-License-Identifier: GPL-2.0
"""Calls that must not disturb each other. On the debug kernel the log tells of what they broke."""

import re

import pytest

MODULE = "rust_ashmem"


@pytest.mark.parametrize(
    "kind", ["size-mmap", "close-shrink", "pin-purge", "fork-unmap", "mask-map"]
)
def test_race(ashmem, shell, rounds, kind):
    seconds = rounds(4, 300)
    said = shell.run_check(f"ashmem-probe race {kind} {seconds}", timeout=seconds * 3 + 60)
    assert re.fullmatch(r"\d+ rounds", said[-1]), said


def test_unload_against_open(module, shell, rounds):
    """The module goes and comes while programs open its device."""
    module.load()
    users = "while test -e /tmp/opening; do ashmem-probe 'open r,size r 1p,map m r 1p rw shared'"
    users += " >/dev/null 2>&1; done"
    shell.run_check("touch /tmp/opening")
    shell.run_check(f"for user in 1 2 3; do ({users}) & done")
    loop = (
        f"for round in $(seq {rounds(20, 1000)}); do modprobe -r {MODULE} 2>/dev/null && echo gone;"
    )
    loop += f" modprobe {MODULE} || echo refused; done; rm /tmp/opening; wait"
    said = shell.run_check(loop, timeout=rounds(120, 3600))
    assert "gone" in said
    assert "refused" not in said


# What the kernel says of wild sizes and of an old system call.
@pytest.mark.expects(r"__vm_enough_memory: ")
@pytest.mark.expects(r"uses deprecated remap_file_pages\(\) syscall")
def test_fuzz(ashmem, shell, rounds):
    """Random programs of the interface's calls, by several processes at a time."""
    seconds = rounds(10, 600)
    shell.run_check("rm -f /tmp/ashmem-corpus")
    command = f"ashmem-probe fuzz $(date +%s) {seconds} /tmp/ashmem-corpus"
    said = shell.run_check(command, timeout=seconds * 3 + 120)
    assert re.fullmatch(r"\d+ generations, \d+ programs in the corpus", said[-1]), said
