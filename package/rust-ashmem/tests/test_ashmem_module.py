# SPDX-License-Identifier: GPL-2.0
"""The module itself: that it stays while it is in use, and goes without a trace."""

import pytest

MODULE = "rust_ashmem"
MAP = "open r,setname r held,size r 1p,map m r 1p rw shared"


class Holder:
    """A program that keeps what a script made until it is killed."""

    def __init__(self, shell, script, run="ashmem-probe"):
        self._shell = shell
        command = f"{run} '{script},sleep 600000'"
        shell.run_check(f"({command} > /tmp/held & echo $! > /tmp/holder)")
        steps = len(script.split(","))
        ready = f"test $(wc -l < /tmp/held) = {steps}"
        shell.run_check(f"until {ready}; do sleep 0.1; done; ! grep -v ok /tmp/held", timeout=60)

    def kill(self):
        """Ends the program; gives back when it is gone."""
        gone = "while kill -0 $(cat /tmp/holder) 2>/dev/null; do sleep 0.1; done"
        self._shell.run_check(f"kill -9 $(cat /tmp/holder); {gone}", timeout=60)


@pytest.mark.parametrize("script", ["open r", MAP, f"{MAP},close r", f"{MAP},unmap m"])
def test_stays_while_a_program_uses_it(module, shell, script):
    """An open descriptor holds it, and so does a mapping without one; when killed, neither does."""
    module.load()
    holder = Holder(shell, script)
    try:
        assert shell.run(f"modprobe -r {MODULE}")[2] != 0
        assert module.loaded()
    finally:
        holder.kill()
    module.unload()


def test_a_program_that_is_killed_leaves_nothing(module, shell):
    """Also of what was unpinned, or still is when only a mapping is left."""
    module.load()
    for script in (f"{MAP},fill m 0 1p 1", f"{MAP},every r 1 1", f"{MAP},every r 1 1,close r"):
        Holder(shell, script).kill()
    module.unload()


def test_loads_and_unloads(module, shell, rounds):
    """Again and again, with regions made and unpinned in between."""
    loop = f"for round in $(seq {rounds(5, 100)}); do modprobe {MODULE} &&"
    loop += f" ashmem-probe '{MAP},unpin r 0 0' >/dev/null && modprobe -r {MODULE} || exit 1; done"
    shell.run_check(f"({loop})", timeout=rounds(120, 1200))
    assert not module.loaded()


@pytest.mark.expects(rf"{MODULE}: .*invalid for parameter")
def test_refuses_a_bad_parameter(module):
    for value in ["2", "maybe", "-1", ""]:
        assert module.refuses(f"readers_may_unpin={value}")
        assert not module.loaded()


class Cgroup:
    """A memory cgroup for one program."""

    # Starts a program in it.
    INSIDE = "sh -c 'echo 0 > /tmp/cgroup/ashmem/cgroup.procs; exec ashmem-probe \"$1\"' sh"

    def __init__(self, shell):
        self._shell = shell

    def wait(self, key, condition):
        """Waits until a number of memory.stat is so; the statistics come with a delay."""
        number = f"$(sed -n 's/^{key} //p' /tmp/cgroup/ashmem/memory.stat)"
        self._shell.run_check(f"until test {number} {condition}; do sleep 0.1; done", timeout=60)

    def current(self):
        """All that is charged, in bytes."""
        return int(self._shell.run_check("cat /tmp/cgroup/ashmem/memory.current")[0])


@pytest.fixture
def cgroup(shell):
    shell.run_check("mkdir -p /tmp/cgroup && mount -t cgroup2 none /tmp/cgroup")
    shell.run_check("echo +memory > /tmp/cgroup/cgroup.subtree_control")
    shell.run_check("mkdir /tmp/cgroup/ashmem")
    yield Cgroup(shell)
    shell.run("rmdir /tmp/cgroup/ashmem; umount /tmp/cgroup")


def test_memory_is_charged_to_the_cgroup_that_touches_it(module, shell, cgroup):
    """Pages of a mapping count in memory.current and in its part for shared memory."""
    module.load()
    script = "open r,size r 500p,map m r 500p rw shared,fill m 0 500p 1"
    holder = Holder(shell, script, cgroup.INSIDE)
    try:
        # /tmp/held has a page there too.
        cgroup.wait("shmem", f"-ge {500 * 4096}")
        assert cgroup.current() >= 500 * 4096
    finally:
        holder.kill()


def test_ranges_are_charged_to_the_cgroup_that_unpins(module, shell, cgroup):
    """The driver's own memory counts as the kernel's, as long as the region has it.

    15,000 ranges, of which none has a page: of three arrays an entry each, of 16 bytes at least.
    """
    module.load()
    tables = 15_000 * 3 * 16
    script = "open r,size r 30000p,map m r 30000p rw shared"
    # A program has some memory of the kernel's in any case: less than the tables.
    holder = Holder(shell, script, cgroup.INSIDE)
    try:
        cgroup.wait("kernel", "-gt 0")
        cgroup.wait("kernel", f"-lt {tables}")
    finally:
        holder.kill()
    holder = Holder(shell, f"{script},every r 30000 2", cgroup.INSIDE)
    try:
        cgroup.wait("kernel", f"-ge {tables}")
    finally:
        holder.kill()
    cgroup.wait("kernel", f"-lt {tables}")
