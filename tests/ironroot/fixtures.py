# SPDX-License-Identifier: MIT
"""pytest's fixtures for board tests, and the checks that run after each of them."""

import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from ironroot.kernel import fragments
from ironroot.module import Module

BOARD = pytest.StashKey()
CONSOLE = pytest.StashKey()
FAILED = pytest.StashKey()
NEXT = pytest.StashKey()
STUCK = pytest.StashKey()
CONSOLE_TAIL = 60
# What a boot may add to a test's time: it has its own limit, the login_timeout of board.yaml.
BOOT_SECONDS = 120


def package_of(path):
    """The package that a test file below package/ belongs to."""
    parts = path.parts
    return parts[-3] if parts[-2] == "tests" and parts[-4:-3] == ("package",) else None


@contextmanager
def power(config, qemu_args="", card="", folder=None):
    """A board from its boot to its last check; the console that tests record is its own."""
    from ironroot.board import Board

    if "IRONROOT_BOARD" not in os.environ:
        pytest.fail("IRONROOT_BOARD is not set; run make test BOARD=…")
    before = config.stash.get(BOARD, None)
    board = Board(qemu_args, card, folder)
    config.stash[BOARD] = board
    try:
        try:
            board.boot()
            # What the boot said is test_boot's.
            board.mark_log("booted")
        except BaseException:
            # The board is gone before the report that should show how far it came.
            config.stash[STUCK] = board.recorder.text()
            raise
        yield board
    finally:
        board.close()
        config.stash[BOARD] = before


@pytest.fixture(scope="session")
def plain_board(request):
    """The board as board.yaml describes it, booted once for all tests."""
    with power(request.config) as board:
        yield board


@pytest.fixture(scope="module")
def booted(request):
    """The board; one of its own for a file that has QEMU_ARGS or CARD, or wants more CPUS.

    QEMU_ARGS are devices more: a text, or a function of QEMU's command line and of a directory for
    its files. CARD is the size of a card that is larger than the image, `1G`. CPUS is how many
    processors QEMU gives at least; hardware has what it has.
    """
    args, card = (getattr(request.module, name, "") for name in ("QEMU_ARGS", "CARD"))
    cpus = more_cpus(getattr(request.module, "CPUS", 0))
    assert not (args and cpus), "a file with QEMU_ARGS names -smp there"
    if not args and not card and not cpus:
        yield from leaks_checked(request.getfixturevalue("plain_board"), request)
        return
    if os.environ.get("IRONROOT_SERIAL"):
        pytest.skip("needs what QEMU adds to the board")
    from ironroot.environment import lacks

    # What tests add are cards for PCI.
    if args and (reason := lacks(os.environ["IRONROOT_BOARD"], "pci")):
        pytest.skip(reason)
    with power(request.config, args or cpus, card) as board:
        yield from leaks_checked(board, request)


def more_cpus(wanted):
    """QEMU's argument for a board that has fewer processors than that; none for hardware."""
    if not wanted or os.environ.get("IRONROOT_SERIAL"):
        return ""
    from ironroot.environment import qemu_cpus

    return f"-smp {wanted}" if qemu_cpus(os.environ["IRONROOT_BOARD"]) < wanted else ""


def leaks_checked(board, request):
    """The board for a file of tests; a package's own must not have lost memory afterwards."""
    package = package_of(request.path)
    exempt = not package or request.node.get_closest_marker("breaks_kernel")
    if exempt or not board.has_package(package) or "CONFIG_DEBUG_KMEMLEAK" not in fragments():
        yield board
        return
    # Others' leaks are not the package's.
    board.leaks()
    yield board
    found = board.leaks()
    assert not found, "kmemleak:\n" + "\n".join(found)


@pytest.fixture
def board(booted, request):
    """The board; after the test its kernel log must have nothing new to complain about."""
    if (mark := request.node.get_closest_marker("qemu_only")) and not booted.is_qemu:
        pytest.skip(mark.args[0])
    if (mark := request.node.get_closest_marker("needs_power")) and not booted.has_power:
        pytest.skip(mark.args[0])
    if (mark := request.node.get_closest_marker("needs_package")) and not booted.has_package(
        mark.args[0]
    ):
        pytest.skip(mark.args[1])
    if (package := package_of(request.node.path)) and not booted.has_package(package):
        pytest.skip(f"the image does not have package/{package}")
    booted.boot_if_ended()
    yield booted
    accepted = [mark.args[0] for mark in request.node.iter_markers("expects")]
    ended = "after " + re.sub("[^a-z0-9_]", "-", request.node.name.lower())
    found = booted.new_complaints(accepted, ended)
    assert not found, "new in the kernel log:\n" + "\n".join(found)


@pytest.fixture
def shell(board):
    """labgrid's shell on the board: run(command), run_check(command)."""
    return board.shell


@pytest.fixture
def quiet_console(shell):
    """No kernel message on the console, not even an emergency: they cut what the shell prints."""
    # The first number alone: the file has tabs, and a tab that is typed asks for completion.
    levels = "/proc/sys/kernel/printk"
    before = shell.run_check(f"cut -f1 {levels}")[0]
    shell.run_check(f"echo 0 > {levels}")
    yield
    shell.run_check(f"echo {before} > {levels}")


@pytest.fixture(scope="session")
def rounds():
    """How often to repeat: rounds(short, long) is `long` in `make test-all`, else `short`."""
    return lambda short, long: long if os.environ.get("IRONROOT_LONG") else short


@pytest.fixture
def module(request, shell):
    """The driver that the test file's MODULE names; not loaded before and after each test."""
    driver = Module(shell, request.module.MODULE)
    if driver.loaded():
        driver.unload()
    yield driver
    if driver.loaded():
        driver.unload()


def pytest_collection_modifyitems(config, items):
    """Tests that leave a kernel which nobody should test on come last; boots have their time."""
    limit = config.getoption("timeout", None)
    for item in items:
        if limit and (mark := item.get_closest_marker("boots")):
            from ironroot.board import MULTIPLIER

            seconds = limit + mark.args[0] * BOOT_SECONDS * MULTIPLIER
            item.add_marker(pytest.mark.timeout(seconds))
    items.sort(key=lambda item: item.get_closest_marker("breaks_kernel") is not None)


@pytest.fixture(scope="module")
def fresh_kernel(booted, request):
    """Boots again after the file's tests, where others follow on the same board."""
    yield
    if request.config.stash[NEXT] and booted.has_package(package_of(request.path)):
        booted.reboot()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    """Keeps the console's part of each test in a file of its own."""
    item.stash[BOARD] = mark_console(item.config)
    item.config.stash[NEXT] = nextitem
    result = yield
    if text := item.stash.get(CONSOLE, ""):
        logs = Path(os.environ["IRONROOT_LOGS"])
        logs.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w.-]+", "_", item.name)
        end = "failed.log" if item.stash.get(FAILED, False) else "log"
        (logs / f"{item.path.stem}-{name}.{end}").write_text(text)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of the console with a failing test."""
    report = yield
    if text := item.config.stash.get(STUCK, ""):
        item.stash[CONSOLE] = text
        item.config.stash[STUCK] = ""
    # A file's own board is gone once its last test was torn down.
    elif "board" in item.fixturenames and (text := console_since(item)):
        item.stash[CONSOLE] = text
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    if report.failed and (text := item.stash.get(CONSOLE, "")):
        tail = text.splitlines()[-CONSOLE_TAIL:]
        report.sections.append(("console", "\n".join(tail)))
    return report


def mark_console(config):
    """The board whose console is recorded, and how much of it there is."""
    board = config.stash.get(BOARD, None)
    return board, len(board.recorder.data) if board else 0


def console_since(item):
    """What the console showed since the test began; all of it where the board came later."""
    board = item.config.stash.get(BOARD, None)
    before, start = item.stash[BOARD]
    return board.recorder.text(start if board is before else 0) if board else ""
