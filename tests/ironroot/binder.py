# SPDX-License-Identifier: MIT
"""binder-probe on the board, and what the driver logs when it is misused."""

# What the Rust driver warns of when it refuses something.
REFUSED = r"rust_binder: Failure in copy_transaction_data: E\w+"
NO_ROOM = r"rust_binder: Failed to allocate buffer\. len:\d+, is_oneway:\w+"
BAD_COMMAND = r"rust_binder: Write failure E(INVAL|FAULT) in pid:\d+"


class Probe:
    """Runs one scenario of binder-probe and gives what it saw."""

    def __init__(self, shell):
        self._shell = shell

    def __call__(self, scenario, count=1):
        """The scenario's `name=value` lines as a dictionary."""
        lines = self._shell.run_check(f"binder-probe {scenario} {count}", timeout=90 + 2 * count)
        seen = dict(line.split("=", 1) for line in lines)
        assert len(seen) == len(lines), f"a name twice: {lines}"
        return seen

    def alive(self):
        """Whether an ordinary call still works."""
        return self("version") == {"version": "8"} and self("registry")["answer"] == "tahw"
