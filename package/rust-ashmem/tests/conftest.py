# SPDX-License-Identifier: GPL-2.0
"""How this driver's tests talk to it: through ashmem-probe, of package ashmem-tools."""

import shlex

import pytest
from ironroot.module import Module


def told(transcript):
    """The commands of a transcript, and what each is to answer; a line's `#` begins a comment."""
    lines = [line.split("#")[0].strip() for line in transcript.splitlines()]
    steps = [line.split(" -> ") for line in lines if line]
    return [step[0] for step in steps], [tuple(step) for step in steps if len(step) == 2]


# A line that the board's shell surely takes.
LINE = 700
SCRIPT = "/tmp/ashmem-script"


@pytest.fixture
def answers(shell):
    """Has ashmem-probe run commands; gives its answers."""

    def run(commands, timeout=60, program="ashmem-probe"):
        script = ",".join(commands)
        if len(script) <= LINE:
            return shell.run_check(f"{program} {shlex.quote(script)}", timeout=timeout)
        shell.run_check(f"true > {SCRIPT}")
        for start in range(0, len(script), LINE):
            part = shlex.quote(script[start : start + LINE])
            shell.run_check(f"printf %s {part} >> {SCRIPT}")
        return shell.run_check(f"{program} -f {SCRIPT}", timeout=timeout)

    return run


@pytest.fixture
def probe(answers):
    """Has ashmem-probe run a transcript, and compares each answer."""

    def run(transcript, timeout=60, program="ashmem-probe"):
        commands, wanted = told(transcript)
        said = answers(commands, timeout, program)
        got = list(zip([command for command, _ in wanted], said, strict=False))
        assert got == wanted
        assert len(said) == len(wanted), said

    return run


@pytest.fixture(scope="module")
def goes(booted):
    """After a file's last test the driver can go: nothing of what the tests made holds it."""
    yield
    driver = Module(booted.shell, "rust_ashmem")
    if driver.loaded():
        driver.unload()


@pytest.fixture
def ashmem(goes, shell, probe):
    """`probe` with the driver loaded, which the next test finds loaded."""
    shell.run_check("modprobe rust_ashmem")
    return probe
