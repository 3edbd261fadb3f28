# SPDX-License-Identifier: MIT
"""Makes the board fixtures known to tests/ and to the packages' own tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "tests"))
pytest_plugins = ["ironroot.fixtures"]
