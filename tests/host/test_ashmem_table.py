# SPDX-License-Identifier: MIT
"""docs/rust-ashmem.md has a test for each row of its interface, and each is one that exists."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/rust-ashmem.md").read_text()
TESTS = [*CHECKOUT.glob("package/rust-ashmem/tests/test_*.py"), *CHECKOUT.glob("tests/board/*.py")]


def rows():
    """The table's rows, in cells; `\\|` in a cell is no border."""
    lines = PAGE.split("| request | number |")[1].split("\n\n")[0].splitlines()[2:]
    return [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines]


def test_each_row_names_a_test():
    assert len(rows()) >= 20
    for cells in rows():
        assert len(cells) == 5, cells
        assert re.search(r"`test_\w+`", cells[4]), cells[0]


def test_each_test_that_is_named_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    functions = {
        name for path in TESTS for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.M)
    }
    assert len(named) > 40
    assert named - functions == set()


def test_each_file_that_is_named_exists():
    for name in set(re.findall(r"`([\w/-]*test_\w+\.py)`", PAGE)):
        folder = CHECKOUT if "/" in name else CHECKOUT / "package/rust-ashmem/tests"
        assert (folder / name).is_file(), name
