# SPDX-License-Identifier: MIT
"""pytest's fixtures for board tests, and the checks that run after each of them."""

import os
import re
from pathlib import Path

import pytest

from ironroot.module import Module

BOARD = pytest.StashKey()
CONSOLE_TAIL = 60


def package_of(path):
    """The package that a test file below package/ belongs to."""
    parts = path.parts
    return parts[-3] if parts[-2] == "tests" and parts[-4:-3] == ("package",) else None


@pytest.fixture(scope="session")
def booted(request):
    """The board, booted once for all tests."""
    from ironroot.board import Board

    if "IRONROOT_BOARD" not in os.environ:
        pytest.fail("IRONROOT_BOARD is not set; run make test BOARD=…")
    board = Board()
    request.config.stash[BOARD] = board
    try:
        board.boot()
        yield board
        board.finish()
    finally:
        board.close()


@pytest.fixture
def board(booted, request):
    """The board; after the test its kernel log must have nothing new to complain about."""
    if (mark := request.node.get_closest_marker("qemu_only")) and not booted.is_qemu:
        pytest.skip(mark.args[0])
    if (package := package_of(request.node.path)) and not booted.has_package(package):
        pytest.skip(f"the image does not have package/{package}")
    booted.mark_log(re.sub("[^a-z0-9_]", "-", request.node.name.lower()))
    yield booted
    found = booted.new_complaints(mark.args[0] for mark in request.node.iter_markers("expects"))
    assert not found, "new in the kernel log:\n" + "\n".join(found)


@pytest.fixture
def shell(board):
    """labgrid's shell on the board: run(command), run_check(command)."""
    return board.shell


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    """Keeps the console's part of each test in a file of its own."""
    board = item.config.stash.get(BOARD, None)
    item.stash[BOARD] = len(board.recorder.data) if board else 0
    result = yield
    board = item.config.stash.get(BOARD, None)
    if board and "board" in item.fixturenames:
        logs = Path(os.environ["IRONROOT_LOGS"])
        logs.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w.-]+", "_", item.name)
        (logs / f"{name}.log").write_text(board.recorder.text(item.stash[BOARD]))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of the console with a failing test."""
    report = yield
    board = item.config.stash.get(BOARD, None)
    if report.failed and board and "board" in item.fixturenames:
        tail = board.recorder.text(item.stash[BOARD]).splitlines()[-CONSOLE_TAIL:]
        report.sections.append(("console", "\n".join(tail)))
    return report
