# SPDX-License-Identifier: MIT
"""What is stated in more than one place says the same everywhere."""

import os
import re
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
DEFCONFIGS = sorted(CHECKOUT.glob("configs/*_defconfig"))


def boards():
    return [path.name.removesuffix("_defconfig") for path in DEFCONFIGS]


def test_every_board_is_complete():
    for board in boards():
        for name in ("genimage.cfg", "extlinux.conf", "board.yaml", "readme.md"):
            assert (CHECKOUT / "board" / board / name).is_file(), f"board/{board}/{name}"


def test_every_board_folder_has_a_defconfig():
    folders = {path.name for path in (CHECKOUT / "board").iterdir() if path.is_dir()} - {"common"}
    assert folders == set(boards())


def test_one_kernel_version():
    pattern = re.compile(r'^BR2_LINUX_KERNEL_CUSTOM_VERSION_VALUE="(.*)"$', re.M)
    versions = {pattern.search(path.read_text()).group(1) for path in DEFCONFIGS}
    assert len(versions) == 1, versions


def test_readme_lists_the_boards_and_their_state():
    """The README's table is that of `make boards`."""
    result = subprocess.run(
        [os.environ["QUICK"], "boards"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    stated = {}
    for line in result.stdout.splitlines()[1:]:
        name, arch, state, _ = line.split(maxsplit=3)
        stated[name] = (arch, state)
    readme = (CHECKOUT / "README.md").read_text()
    rows = re.findall(r"^\| (\w+) \| (\w+) \| ([\w-]+):", readme, re.M)
    written = {name: (arch.lower().replace("armv7", "arm"), state) for name, arch, state in rows}
    assert written == stated
