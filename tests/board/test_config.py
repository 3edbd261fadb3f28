# SPDX-License-Identifier: MIT
"""The running kernel has every line of the board's fragments."""

from ironroot import kernel


def test_every_fragment_line_is_in_the_running_kernel(shell):
    """All of it travels: hence the time."""
    wanted = kernel.fragments()
    assert len(wanted) > 100
    running = kernel.settings(shell.run_check("zcat /proc/config.gz", timeout=180))
    wrong = {
        symbol: (value, running.get(symbol, "n"))
        for symbol, value in wanted.items()
        if running.get(symbol, "n") != value
    }
    assert wrong == {}
