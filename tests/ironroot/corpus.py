# SPDX-License-Identifier: MIT
"""The programs that a fuzzer kept: the tree's, and those of a run, which the board forgets."""

import base64
import gzip
import os
from pathlib import Path

from ironroot.environment import CHECKOUT


def programs(text):
    """A corpus's programs; a line's `#` begins a comment."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line]


def committed(grammar):
    """The programs that every build of ashmem-probe has in it."""
    folder = CHECKOUT / "package/ashmem-tools/src/fuzz"
    return programs((folder / f"{grammar}.corpus").read_text())


def fetch(shell, path, name):
    """Copies a corpus to corpus/NAME.corpus beside the board's images; gives its programs.

    A run that kept nothing has made no file.
    """
    packed = "".join(shell.run_check(f"touch {path}; gzip -c {path} | base64", timeout=300))
    text = gzip.decompress(base64.b64decode(packed)).decode()
    # Beside the logs, which the next run removes.
    folder = Path(os.environ["IRONROOT_LOGS"]).parent / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.corpus").write_text(text)
    return programs(text)
