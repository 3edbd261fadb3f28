# SPDX-License-Identifier: MIT
"""The quick tool, which builds what a test needs beside the image."""

import os
import subprocess

from ironroot.environment import CHECKOUT


def quick(*arguments):
    """What the quick tool answers."""
    command = [os.environ["QUICK"], *arguments]
    result = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    return result.stdout.strip()
