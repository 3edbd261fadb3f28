# SPDX-License-Identifier: GPL-2.0
"""Calls that must not disturb each other. On the debug kernel the log tells of what they broke."""

import re
import time

import pytest
from ironroot import corpus
from ironroot.kernel import fragments

MODULE = "rust_ashmem"
# As many as a race has threads and the fuzzer has processes.
CPUS = 4
CORPUS = "/tmp/ashmem-corpus"


@pytest.mark.qemu_only("hardware has the processors that it has")
def test_as_many_processors(shell):
    assert int(shell.run_check("nproc")[0]) >= CPUS


@pytest.mark.parametrize(
    "kind", ["size-mmap", "close-shrink", "pin-purge", "fork-unmap", "mask-map"]
)
def test_race(ashmem, shell, rounds, kind):
    seconds = rounds(1, 300)
    said = shell.run_check(f"ashmem-probe race {kind} {seconds}", timeout=seconds * 3 + 60)
    assert re.fullmatch(r"\d+ rounds", said[-1]), said


def test_unload_against_open(module, shell, rounds):
    """The module goes and comes while programs open its device."""
    module.load()
    users = "while test -e /tmp/opening; do ashmem-probe 'open r,size r 1p,map m r 1p rw shared'"
    users += " >/dev/null 2>&1; done"
    shell.run_check("touch /tmp/opening")
    shell.run_check(f"for user in 1 2 3; do ({users}) & done")
    # A try that finds a program in the device is not one of the rounds.
    loop = f"gone=0; until [ $gone = {rounds(3, 1000)} ]; do modprobe -r {MODULE} 2>/dev/null &&"
    loop += f" gone=$((gone + 1)); modprobe {MODULE} || echo refused; done"
    try:
        assert shell.run_check(loop, timeout=rounds(120, 3600)) == []
    finally:
        shell.run("rm /tmp/opening; wait", timeout=60)


# What the kernel says of wild sizes and of an old system call.
@pytest.mark.expects(r"__vm_enough_memory: ")
@pytest.mark.expects(r"uses deprecated remap_file_pages\(\) syscall")
def test_fuzz(ashmem, shell, rounds):
    """Random programs of the interface's calls, by several processes at a time.

    Each process knows what its own regions must answer. Programs of earlier runs come first:
    src/fuzz/ashmem.corpus of package/ashmem-tools has them; what this run adds is kept beside the
    image.
    """
    seconds, seed = rounds(2, 600), rounds(1, int(time.time()))
    command = f"rm -f {CORPUS}; ashmem-probe fuzz ashmem {seed} {seconds} {CORPUS}"
    said = shell.run_check(command, timeout=seconds * 3 + 120)
    told = re.fullmatch(r"\d+ generations, (\d+) places of code, (\d+) programs kept", said[-1])
    assert told, said
    # Code is seen where the kernel shows it, and only there.
    assert (int(told[1]) > 0) == ("CONFIG_KCOV" in fragments()), said
    assert len(corpus.fetch(shell, CORPUS, f"ashmem-{seed}")) == int(told[2])


@pytest.mark.expects(r"__vm_enough_memory: ")
@pytest.mark.expects(r"uses deprecated remap_file_pages\(\) syscall")
def test_replay(ashmem, shell):
    """The programs that earlier runs kept, one after the other."""
    said = shell.run_check("ashmem-probe replay ashmem", timeout=120)
    told = re.fullmatch(r"(\d+) programs, (\d+) places of code", said[-1])
    assert told, said
    assert int(told[1]) == len(corpus.committed("ashmem"))
    assert (int(told[2]) > 0) == ("CONFIG_KCOV" in fragments()), said
