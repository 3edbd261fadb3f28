# SPDX-License-Identifier: MIT
"""`make boards`: the README's table of boards, out of what defines them.

Architecture, console and drivers are the defconfig's, storage and Ethernet board.yaml's, how a
board is tested its readme's.
"""

import re
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))

from ironroot.environment import options  # noqa: E402
from ironroot.kernel import settings  # noqa: E402

ARCHITECTURES = {"BR2_riscv": "riscv64", "BR2_aarch64": "arm64", "BR2_arm": "ARMv7"}
# Rust drivers in the kernel's tree that only some architectures have. Every kernel has the others.
IN_TREE = {"DRM_TYR": "tyr", "NOVA_CORE": "nova", "PWM_TH1520": "pwm_th1520"}
# The package to start from is no driver of anything.
NO_DRIVERS = {"rust-src", "rust-hello", "rust-faults"}
HEADER = ("board", "architecture", "console", "storage", "Ethernet", "Rust drivers", "tested")


def defconfig(board):
    """The symbols of a defconfig and their values."""
    text = (CHECKOUT / "configs" / f"{board}_defconfig").read_text()
    return dict(re.findall(r'^(BR2_\w+)="?(.*?)"?$', text, re.M))


def rust_drivers(symbols):
    """Our packages, and what the architecture's own fragment adds."""
    ours = [
        name
        for symbol in symbols
        if (name := symbol.removeprefix("BR2_PACKAGE_").lower().replace("_", "-"))
        and name.startswith("rust-")
        and name not in NO_DRIVERS
    ]
    files = symbols["BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES"].split()
    wanted = {}
    for path in files:
        path = CHECKOUT / path.replace("$(BR2_EXTERNAL_IRONROOT_PATH)/", "")
        wanted |= settings(path.read_text().splitlines())
    there = [
        name for symbol, name in IN_TREE.items() if wanted.get(f"CONFIG_{symbol}") in ("y", "m")
    ]
    return ", ".join(sorted(ours) + there)


def state(board):
    """How the board is tested, as its readme says."""
    text = (CHECKOUT / "board" / board / "readme.md").read_text()
    return re.search(r"^State: (.*)\.$", text, re.M)[1]


def row(board):
    """A board's cells."""
    symbols = defconfig(board)
    hardware = options(board)["hardware"]
    return (
        f"[{board}](board/{board}/readme.md)",
        next(name for symbol, name in ARCHITECTURES.items() if symbol in symbols),
        symbols["BR2_TARGET_GENERIC_GETTY_PORT"],
        hardware["storage"],
        hardware["ethernet"],
        rust_drivers(symbols),
        state(board),
    )


def table():
    """The table's lines, as Markdown."""
    paths = CHECKOUT.glob("configs/*_defconfig")
    rows = [row(path.name.removesuffix("_defconfig")) for path in sorted(paths)]
    lines = [f"| {' | '.join(cells)} |" for cells in (HEADER, *rows)]
    return [lines[0], "|" + "---|" * len(HEADER), *lines[1:]]


if __name__ == "__main__":
    print("\n".join(table()))
