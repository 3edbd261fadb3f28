# SPDX-License-Identifier: MIT
"""`make flash` on loop devices: what it refuses, and that it writes what it should."""

import os
import pty
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

MIB = 1 << 20
CHECKOUT = Path(__file__).resolve().parents[2]


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def quick():
    path = os.environ.get("QUICK")
    if not path:
        pytest.skip("QUICK names no quick binary")
    return path


@pytest.fixture
def flash(quick, image):
    """Runs the command as `make flash` does; without a terminal unless told."""

    def run(device, yes=True, stdin=subprocess.DEVNULL, user=None, cwd=CHECKOUT, **extra):
        env = os.environ | {"IMAGE": str(image), "YES": "1" if yes else ""} | extra
        env.setdefault("IRONROOT_HOST_CACHE", "/nowhere")
        return subprocess.run(
            [quick, "flash", "qemu_riscv64", str(device)],
            cwd=cwd,
            env=env,
            stdin=stdin,
            user=user,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture
def refused(flash):
    """Asserts that a device is refused in one line that says `word`."""

    def check(device, word, **extra):
        done = flash(device, **extra)
        assert done.returncode == 1, done
        assert word in done.stderr
        assert done.stderr.startswith("ironroot: error: ")
        assert done.stderr.count("\n") == 1, done.stderr

    return check


@pytest.fixture
def image(tmp_path):
    """4 MiB: data at both ends and a hole between them."""
    path = tmp_path / "sdcard.img"
    with path.open("wb") as file:
        file.write(os.urandom(MIB))
        file.seek(3 * MIB)
        file.write(os.urandom(MIB))
    try:
        tool("bmaptool", "create", "-o", f"{path}.bmap", path)
    except FileNotFoundError:
        pytest.skip("bmaptool is not installed (package bmaptool)")
    return path


@pytest.fixture
def loop(tmp_path):
    """Makes loop devices full of old data, and takes them away again."""
    if os.geteuid() != 0 or os.environ.get("IRONROOT_HOST_UID", "0") != "0":
        pytest.skip("loop devices need root")
    devices = []

    def make(size=8 * MIB, options=()):
        path = tmp_path / f"card{len(devices)}"
        path.write_bytes(b"\xa5" * size)
        try:
            device = tool("losetup", "--find", "--show", *options, path)
        except FileNotFoundError:
            pytest.skip("losetup is not installed (package mount)")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no loop devices here: {error.stderr.strip()}")
        devices.append(device)
        return Path(device), path

    yield make
    for device in devices:
        tool("losetup", "--detach", device)


@pytest.fixture
def mounted(tmp_path):
    """Mounts a device, and takes the mount away again."""
    points = []

    def mount(device):
        point = tmp_path / f"mnt{len(points)}"
        point.mkdir()
        tool("mke2fs", "-q", "-F", str(device))
        tool("mount", str(device), str(point))
        points.append(point)
        return point

    yield mount
    for point in points:
        tool("umount", str(point))


def test_writes_and_reads_back(flash, loop, image):
    device, card = loop()
    done = flash(device)
    assert done.returncode == 0, done.stderr
    assert f"size    {8 * MIB} bytes" in done.stdout
    assert f"{2 * MIB} bytes (2.0 MiB) read back and compared" in done.stdout
    want, have = image.read_bytes(), card.read_bytes()
    assert have[:MIB] == want[:MIB]
    assert have[3 * MIB : 4 * MIB] == want[3 * MIB :]
    assert set(have[4 * MIB :]) == {0xA5}, "written past the image"


def test_sees_a_card_that_does_not_keep_what_was_written(flash, loop, tmp_path):
    device, _ = loop()
    # A bmaptool that lies: it says it wrote, and wrote nothing.
    liar = tmp_path / "bin" / "bmaptool"
    liar.parent.mkdir()
    liar.write_text("#!/bin/sh\nexit 0\n")
    liar.chmod(0o755)
    done = flash(device, PATH=f"{liar.parent}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "reads back as 0xa5" in done.stderr


def test_asks_and_takes_only_yes(flash, loop):
    device, card = loop()
    for answer, code in [(b"y\n", 1), (b"\n", 1), (b"yes\n", 0)]:
        ours, theirs = pty.openpty()
        os.write(ours, answer)
        done = flash(device, yes=False, stdin=theirs)
        os.close(ours)
        os.close(theirs)
        assert done.returncode == code, done
        assert f"Everything on {device} will be lost" in done.stdout
        assert (card.read_bytes()[0:MIB] == b"\xa5" * MIB) is (code == 1)


def test_refuses_without_a_terminal(refused, loop):
    device, card = loop()
    refused(device, "YES=1", yes=False)
    assert set(card.read_bytes()) == {0xA5}


def test_refuses_what_is_no_disk(refused, image, tmp_path):
    refused(tmp_path / "none", "no such device")
    refused(image, "a regular file")
    refused(tmp_path, "a folder")
    refused("/dev/null", "a character device")


def test_refuses_a_read_only_device(refused, loop):
    refused(loop(options=["--read-only"])[0], "read-only")


def test_refuses_a_device_that_is_too_small(refused, loop):
    device, card = loop(size=2 * MIB)
    refused(device, f"it has {2 * MIB} bytes (2.0 MiB), the image needs {4 * MIB} bytes (4.0 MiB)")
    assert set(card.read_bytes()) == {0xA5}


def test_refuses_a_mounted_device(refused, loop, mounted):
    device, _ = loop()
    point = mounted(device)
    mounts = "/proc/self/mountinfo"
    refused(device, f"mounted on {point}", IRONROOT_HOST_MOUNTS=mounts)
    # A mount that the table does not show, as in another container.
    refused(device, "in use", IRONROOT_HOST_MOUNTS="/dev/null")


def test_refuses_a_device_that_is_swapped_to(refused, loop):
    device, _ = loop()
    tool("mkswap", str(device))
    try:
        tool("swapon", str(device))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no swap here: {error.stderr.strip()}")
    try:
        refused(device, f"in use as swap; first: sudo swapoff {device}")
    finally:
        tool("swapoff", str(device))


def test_refuses_a_partition_and_a_disk_with_a_mounted_one(refused, loop, mounted):
    device, _ = loop(options=["--partscan"])
    # A DOS table with one Linux partition, sectors 2048 to 6143; partx reads it
    # itself, a kernel need not know its kind.
    entry = struct.pack("<4xB3xII", 0x83, 2048, 4096)
    with device.open("r+b") as file:
        file.seek(446)
        file.write(entry.ljust(64, b"\0") + b"\x55\xaa")
    tool("partx", "--add", "--nr", "1", str(device))
    part = Path(f"{device}p1")
    refused(part, f"a partition; the image is a whole disk: DEVICE={device}")
    point = mounted(part)
    refused(device, f"{part} is mounted on {point}", IRONROOT_HOST_MOUNTS="/proc/self/mountinfo")


def test_refuses_the_system_disk(refused, loop, tmp_path):
    device, card = loop()
    number = Path(f"/sys/block/{device.name}/dev").read_text().strip()
    table = tmp_path / "mountinfo"
    table.write_text(f"27 1 {number} / / rw - ext4 /dev/root rw\n")
    refused(device, "the system disk", IRONROOT_HOST_MOUNTS=str(table))
    assert set(card.read_bytes()) == {0xA5}


def test_names_the_command_that_needs_root(flash, loop, image):
    device, _ = loop()
    # Root may write everything, so this runs as nobody, who must reach the image
    # and the board's defconfig, wherever the checkout is.
    checkout = image.parent / "checkout"
    shutil.copytree(CHECKOUT / "configs", checkout / "configs")
    for folder in image.parents:
        # The last is a worker's of pytest-xdist.
        if folder.name.startswith(("pytest-", "test_", "popen-")):
            folder.chmod(0o755)
    done = flash(device, user=65534, cwd=checkout, IRONROOT_HOST_UID="1000")
    assert done.returncode == 1
    assert f"sudo chown 1000 {device}" in done.stderr
