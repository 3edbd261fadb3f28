# SPDX-License-Identifier: MIT
"""Fixtures of the board tests alone."""

import pytest
from ironroot.binder import Probe


@pytest.fixture
def probe(shell):
    """binder-probe on the board."""
    return Probe(shell)
