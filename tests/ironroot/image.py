# SPDX-License-Identifier: MIT
"""A board's disk image out of small stand-ins, by the board's own post-image script."""

import os
import re
import subprocess

from ironroot.quick import CHECKOUT

KIB, MIB = 1 << 10, 1 << 20
DEFCONFIGS = sorted(CHECKOUT.glob("configs/*_defconfig"))
BOARDS = [path.name.removesuffix("_defconfig") for path in DEFCONFIGS]


def stand_in(name, size):
    """Bytes that no other stand-in has."""
    return (name.encode() + b"\n").ljust(size, name[:1].encode())


def inputs(board):
    """The files that the board's genimage.cfg takes from others."""
    text = (CHECKOUT / "board" / board / "genimage.cfg").read_text()
    made = set(re.findall(r"^image (\S+) {", text, re.M)) | {"extlinux.conf"}
    return set(re.findall(r'\bimage = "([^"]+)"', text)) - made


def make_image(board, images, *root, sizes=None, target=""):
    """Runs the script for `board` in the directory `images`; gives the ended process.

    `sizes` are those of files for which 4 KiB will not do; `target` is the root file system's tree.
    """
    sizes = {"rootfs.ext4": 4 * MIB} | (sizes or {})
    for name in inputs(board):
        (images / name).parent.mkdir(exist_ok=True)
        (images / name).write_bytes(stand_in(name, sizes.get(name, 4 * KIB)))
    build = images / "build"
    build.mkdir()
    env = {key: value for key, value in os.environ.items() if key != "BR2_CONFIG"}
    env |= {"BUILD_DIR": str(build), "TARGET_DIR": str(target)}
    script = CHECKOUT / "board/common/post-image.sh"
    return subprocess.run([script, images, board, *root], env=env, capture_output=True, text=True)
