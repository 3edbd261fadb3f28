# SPDX-License-Identifier: MIT
"""ROOT=nvme: the card's boot partition has an initramfs that loads rust-nvme."""

import gzip
import subprocess
from pathlib import Path

import pytest
from ironroot.image import BOARDS, make_image
from ironroot.quick import CHECKOUT

DRIVER = "BR2_PACKAGE_RUST_NVME"
WITH_NVME = [
    board
    for board in BOARDS
    if f"{DRIVER}=y\n" in (CHECKOUT / "configs" / f"{board}_defconfig").read_text()
]
MODULES_DEP = """kernel/drivers/nvme/host/nvme-core.ko: kernel/lib/crc64.ko
updates/rust_nvme.ko: kernel/drivers/nvme/host/nvme-core.ko kernel/lib/crc64.ko
updates/other.ko:
"""


@pytest.fixture
def target(tmp_path):
    """A root file system's tree: modules, and a program that takes its C library from there."""
    tree = tmp_path / "target"
    modules = tree / "lib/modules/7.3.4"
    for name in ("kernel/drivers/nvme/host/nvme-core.ko", "kernel/lib/crc64.ko"):
        (modules / name).parent.mkdir(parents=True)
        (modules / name).write_text(name)
    (modules / "updates").mkdir()
    (modules / "updates/rust_nvme.ko").write_text("driver")
    (modules / "modules.dep").write_text(MODULES_DEP)
    (tree / "bin").mkdir()
    (tree / "bin/busybox").write_bytes(Path("/bin/dash").read_bytes())
    for library in ("libc.so.6", "ld-linux-x86-64.so.2"):
        (tree / "lib" / library).write_text(library)
    return tree


@pytest.fixture
def images(tmp_path):
    directory = tmp_path / "images"
    directory.mkdir()
    return directory


def on_boot_partition(images, name):
    command = ["mtype", "-i", images / "boot.vfat", f"::{name}"]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.mark.parametrize("board", WITH_NVME)
def test_the_boot_partition_has_the_initramfs(board, images, target):
    made = make_image(board, images, "nvme", target=target)
    assert made.returncode == 0, made.stderr
    lines = on_boot_partition(images, "extlinux/extlinux.conf").decode().splitlines()
    place = lines.index("\tinitrd /initramfs.gz")
    assert lines[place + 1].startswith("\tappend ")
    archive = gzip.decompress(on_boot_partition(images, "initramfs.gz"))
    listed = subprocess.run(
        ["cpio", "-t", "--quiet"], input=archive, check=True, capture_output=True
    ).stdout.decode()
    # In the order in which init loads them.
    assert [name for name in listed.split() if name.endswith(".ko")] == [
        "modules/97-crc64.ko",
        "modules/98-nvme-core.ko",
        "modules/99-rust_nvme.ko",
    ]
    assert {"init", "bin/busybox", "lib/libc.so.6", "lib/ld-linux-x86-64.so.2"} < set(
        listed.split()
    )


def test_two_builds_give_the_same_initramfs(tmp_path, target):
    made = []
    for name in ("one", "two"):
        command = [CHECKOUT / "board/common/nvme-initramfs", target, tmp_path / name]
        subprocess.run(command, check=True)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_without_it_the_image_is_as_ever(images, target):
    made = make_image("qemu_riscv64", images, target=target)
    assert made.returncode == 0, made.stderr
    assert b"initrd" not in on_boot_partition(images, "extlinux/extlinux.conf")
    with pytest.raises(subprocess.CalledProcessError):
        on_boot_partition(images, "initramfs.gz")


@pytest.mark.parametrize(
    ("root", "said"), [("nvme", "needs BR2_PACKAGE_RUST_NVME"), ("usb", "root on usb")]
)
def test_a_root_that_cannot_be_had_is_refused(images, root, said):
    made = make_image("qemu_riscv64", images, root)
    assert made.returncode == 1
    assert said in made.stderr
