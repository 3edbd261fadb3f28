# SPDX-License-Identifier: MIT
"""Keeps what the console shows: all of it, and each test's part in a file."""

from labgrid.step import steps


class Recorder:
    """Collects every byte that labgrid reads from a target's console."""

    def __init__(self, target):
        self.data = bytearray()
        self._target = target
        steps.subscribe(self._notify)

    def close(self):
        """Stops to listen."""
        steps.unsubscribe(self._notify)

    def _notify(self, event):
        step = event.step
        if step.tag != "console" or step.source.target is not self._target:
            return
        if step.title == "read" and event.data.get("state") == "stop":
            self.data += step.result or b""

    def text(self, start=0):
        """What came after byte `start`, as text with plain line ends."""
        return self.data[start:].decode("utf-8", "replace").replace("\r", "")
