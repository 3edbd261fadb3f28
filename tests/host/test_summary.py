# SPDX-License-Identifier: MIT
"""The last line of `make test` says what pytest's own lines said."""

import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.fixture
def broken_before():
    raise RuntimeError

@pytest.fixture
def broken_after():
    yield
    raise RuntimeError

def test_good(): pass
def test_bad(): assert False
def test_not_here(): pytest.skip("no")
def test_error_before(broken_before): pass
def test_error_after(broken_after): pass
def test_bad_and_error_after(broken_after): assert False
"""


def numbers(line):
    """What a summary line counts, without its time."""
    return dict(
        (word.rstrip("s"), int(count)) for count, word in re.findall(r"(\d+) ([a-z]+)", line)
    )


def test_counts_are_pytests(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", tmp_path]
    run = subprocess.run(
        [*pytest, f"--junitxml={tmp_path}/it.xml", tmp_path], capture_output=True, text=True
    )
    command = [sys.executable, CHECKOUT / "quick/summary.py", tmp_path, "1"]
    summary = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = numbers(run.stdout.splitlines()[-1].split(" in ")[0])
    assert theirs["error"] == 3
    assert numbers(summary.stdout.splitlines()[-1].split(" in ")[0]) == theirs
