# SPDX-License-Identifier: MIT
"""QEMU's plugin that counts instructions."""

import os
import subprocess
from pathlib import Path


def built():
    """The plugin, built where its source changed."""
    crate = Path("bench/qemu-plugin/Cargo.toml")
    build = ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", crate]
    subprocess.run(build, check=True)
    return Path(os.environ["CARGO_TARGET_DIR"]) / "release/libcount_instructions.so"
