# SPDX-License-Identifier: MIT
"""What the image says of its kernel."""

import functools
import os
import re
from pathlib import Path


def images():
    """The images directory of the board under test."""
    return Path(os.environ["IRONROOT_IMAGES"])


def text(name):
    """The one line of a file beside the image."""
    return (images() / name).read_text().strip()


def settings(lines):
    """Symbols and values out of a .config's or a fragment's lines; 'n' for 'is not set'."""
    found = {}
    for line in lines:
        if match := re.match(r"# (CONFIG_\w+) is not set$", line):
            found[match[1]] = "n"
        elif match := re.match(r"(CONFIG_\w+)=(.*)$", line):
            found[match[1]] = match[2]
    return found


@functools.cache
def packages():
    """The BR2_PACKAGE_ symbols of what the image was built with."""
    return frozenset((images() / "packages").read_text().split())


@functools.cache
def fragments():
    """The board's fragments merged, a later one over an earlier one."""
    merged = {}
    for path in (images() / "fragments").read_text().splitlines():
        merged |= settings(Path(path).read_text().splitlines())
    return merged
