# SPDX-License-Identifier: MIT
"""What is stated in more than one place says the same everywhere."""

import re
import subprocess
import sys
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


def test_one_kernel_an_architecture():
    """Boards of one architecture name the same fragments in the same order."""
    fragments = {}
    for path in DEFCONFIGS:
        text = path.read_text()
        arch = re.search(r"^BR2_(riscv|aarch64|arm)=y$", text, re.M).group(1)
        named = re.findall(r"^BR2_LINUX_KERNEL_(?:CUSTOM_CONFIG|CONFIG_FRAGMENT)_.*$", text, re.M)
        assert len(named) == 2, path
        fragments.setdefault(arch, set()).add(tuple(named))
    assert {arch: len(kinds) for arch, kinds in fragments.items()} == dict.fromkeys(fragments, 1)


def test_every_device_tree_is_the_kernels():
    """One of ours would have to pass dt-schema's check, which nothing runs as long as none is."""
    folders = [CHECKOUT / name for name in ("board", "configs", "linux", "package")]
    ours = [path for folder in folders for path in folder.rglob("*.dts*")]
    assert ours == []
    for path in DEFCONFIGS:
        assert "_CUSTOM_DTS_" not in path.read_text(), path


def test_readme_has_the_table_of_boards():
    """The README's table is that of `make boards`, line for line."""
    command = [sys.executable, "quick/boards.py"]
    made = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert len(made.splitlines()) == len(boards()) + 2
    assert f"\n\n{made}\n" in (CHECKOUT / "README.md").read_text()


def test_boot_tested_is_what_qemu_can_boot():
    """A board that no emulator models is at most build-tested."""
    for board in boards():
        folder = CHECKOUT / "board" / board
        state = re.search(r"^State: (.*)\.$", (folder / "readme.md").read_text(), re.M)[1]
        modelled = "  qemu:\n" in (folder / "board.yaml").read_text()
        assert modelled or not state.startswith("boot-tested"), board
        assert state.startswith(("boot-tested", "build-tested", "untested")), board


def test_boards_share_no_identifier():
    """Two cards in one machine are told apart."""
    seen, partitions = {}, 0
    pattern = r'(?:disk-uuid|partition-uuid) = "(.*)"|-U ([0-9a-f-]+) '
    for board in boards():
        text = (CHECKOUT / "board" / board / "genimage.cfg").read_text()
        partitions += text.count("partition-type-uuid = ")
        text += (CHECKOUT / "configs" / f"{board}_defconfig").read_text()
        for found in re.finditer(pattern, text):
            number = (found[1] or found[2]).lower()
            assert number not in seen, f"{number}: {board} and {seen[number]}"
            seen[number] = board
    # A card's own, its file system's, and one for each partition.
    assert len(seen) == 2 * len(boards()) + partitions


def test_a_kernel_without_rust_gets_no_module_in_rust():
    """VARIANT=c switches every package off that has a Kbuild."""
    modules = [path.parents[1].name for path in CHECKOUT.glob("package/*/src/Kbuild")]
    off = [f"BR2_PACKAGE_{name.upper().replace('-', '_')}=n" for name in sorted(modules)]
    lines = (CHECKOUT / "configs/variant/c.config").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == off
