# SPDX-License-Identifier: MIT
"""docs/rust-drivers.md names every Rust driver of the kernel's tree, and tells the truth."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from ironroot import kernel

CHECKOUT = Path(__file__).parents[2]
TABLE = CHECKOUT / "docs/rust-drivers.md"
ARCHES = ("riscv64", "arm64", "arm")
# Directories of the kernel that can hold a driver; rust/ is the kernel crate.
PLACES = "arch block crypto drivers fs io_uring ipc kernel lib mm net samples security sound virt"
# What makes a crate a program: the macros that declare a module, and symbols for C.
CRATE = re.compile(r"^\s*(kernel::)?module(_\w+)?! ?\{|#\[(export|no_mangle)\]", re.MULTILINE)
# Programs for the machine that builds the kernel.
NOT_FOR_BOARDS = ("samples/rust/hostprogs",)


@dataclass
class Row:
    source: str
    symbol: str
    on: set
    proven: str
    by: str


@pytest.fixture(scope="module")
def rows():
    cells = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in TABLE.read_text().splitlines()
        if line.startswith("| `")
    ]
    return [Row(c[0], c[1], set(re.findall(r"\w+", c[2])) & set(ARCHES), c[3], c[4]) for c in cells]


@pytest.fixture(scope="module")
def source():
    command = [os.environ["QUICK"], "source"]
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=CHECKOUT)
    return Path(result.stdout.strip())


def rust_files(source):
    for place in PLACES.split():
        for path in (source / place).rglob("*.rs"):
            name = str(path.relative_to(source))
            if not name.startswith(NOT_FOR_BOARDS):
                yield name


def test_every_crate_of_the_kernel_has_a_row(rows, source):
    """A crate is found by its macro; its other files stand below a folder that has a row."""
    named = {row.source for row in rows}
    folders = {str(Path(name).parent) for name in named}
    missing = []
    for name in rust_files(source):
        crate = CRATE.search((source / name).read_text())
        below = any(str(parent) in folders for parent in Path(name).parents)
        # Crates of several files export from their modules too.
        root = crate and not below
        module = crate and re.search(r"module(_\w+)?! ?\{", crate[0])
        if name not in named and (root or module or not below):
            missing.append(name)
    assert missing == []


def test_no_row_is_about_nothing(rows, source):
    assert len(rows) > 20
    assert [row.source for row in rows if not (source / row.source).is_file()] == []


@pytest.mark.parametrize("arch", ARCHES)
def test_the_fragments_are_as_the_table_says(rows, arch):
    """A symbol that a fragment asks for is in the kernel: the build has checked it."""
    wanted = {}
    for name in ("rust", "drivers", f"arch/{arch}"):
        path = CHECKOUT / f"linux/fragments/{name}.config"
        wanted |= kernel.settings(path.read_text().splitlines())
    here = {row.symbol for row in rows if wanted.get(f"CONFIG_{row.symbol}") in ("y", "m")}
    assert here == {row.symbol for row in rows if arch in row.on}


def test_what_is_proven_is_proven_by_a_test_that_exists(rows):
    for row in rows:
        if row.proven in ("exercised", "loaded"):
            files = re.findall(r"(?:tests|package)/[\w/.-]+\.py", row.by)
            assert files, row
            assert all((CHECKOUT / name).is_file() for name in files), row
            if row.proven == "loaded" or "test_modules" in row.by:
                text = (CHECKOUT / "tests/board/test_modules.py").read_text()
                assert f'CONFIG_{row.symbol}"' in text, row
        else:
            assert row.proven in ("built", "not built"), row
        assert bool(row.on) == (row.proven != "not built"), row
