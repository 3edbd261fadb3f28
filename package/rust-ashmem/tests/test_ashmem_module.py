# SPDX-License-Identifier: GPL-2.0
"""The module itself: that it stays while it is in use, and goes without a trace."""

import pytest

MODULE = "rust_ashmem"
MAP = "open r,setname r held,size r 1p,map m r 1p rw shared"


def holding(shell, script):
    """Starts a program that keeps what the script made for some seconds; waits until it has it."""
    command = f"ashmem-probe '{script},sleep 4000' > /tmp/held"
    shell.run_check(f"rm -f /tmp/held; ({command}) & sleep 1; wc -l < /tmp/held")


def wait(shell):
    """Until no such program runs."""
    shell.run_check("while pidof ashmem-probe > /dev/null; do sleep 0.2; done", timeout=60)


@pytest.mark.parametrize("script", ["open r", MAP, f"{MAP},close r", f"{MAP},unmap m"])
def test_stays_while_a_program_uses_it(module, shell, script):
    """An open descriptor holds it, and so does a mapping without one."""
    module.load()
    holding(shell, script)
    assert shell.run(f"modprobe -r {MODULE}")[2] != 0
    assert module.loaded()
    wait(shell)
    module.unload()


def test_a_program_that_is_killed_leaves_nothing(module, shell):
    module.load()
    command = f"ashmem-probe '{MAP},unpin r 0 0,close r,sleep 60000'"
    shell.run_check(f"{command} > /dev/null & sleep 1; kill -9 $!; wait")
    module.unload()


def test_loads_and_unloads(module, shell, rounds):
    """Again and again, with regions made and unpinned in between."""
    loop = f"for round in $(seq {rounds(10, 100)}); do modprobe {MODULE} &&"
    loop += f" ashmem-probe '{MAP},unpin r 0 0' >/dev/null && modprobe -r {MODULE} || exit 1; done"
    shell.run_check(f"({loop})", timeout=rounds(120, 1200))
    assert not module.loaded()


@pytest.mark.expects(rf"{MODULE}: .*invalid for parameter")
def test_refuses_a_bad_parameter(module):
    for value in ["2", "maybe", "-1", ""]:
        assert module.refuses(f"readers_may_unpin={value}")
        assert not module.loaded()


def test_memory_is_charged_to_the_cgroup_that_touches_it(module, shell, answers):
    """Pages of a mapping count in memory.current, and memory.max bounds them."""
    module.load()
    shell.run_check("mkdir -p /tmp/cgroup && mount -t cgroup2 none /tmp/cgroup")
    try:
        shell.run_check("echo +memory > /tmp/cgroup/cgroup.subtree_control")
        shell.run_check("mkdir /tmp/cgroup/ashmem")
        inside = "echo 0 > /tmp/cgroup/ashmem/cgroup.procs; exec ashmem-probe"
        script = "open r,size r 5000p,map m r 5000p rw shared,fill m 0 5000p 1,sleep 3000"
        shell.run_check(f"(sh -c \"{inside} '{script}'\" > /dev/null) & sleep 2")
        charged = int(shell.run_check("cat /tmp/cgroup/ashmem/memory.current")[0])
        shmem = shell.run_check("grep ^shmem /tmp/cgroup/ashmem/memory.stat")[0].split()[1]
        wait(shell)
        assert int(shmem) == 5000 * 4096
        assert charged >= int(shmem)
    finally:
        shell.run("rmdir /tmp/cgroup/ashmem; umount /tmp/cgroup")
