# SPDX-License-Identifier: MIT
"""Keeps what the console shows: all of it, and each test's part in a file."""

from labgrid.step import steps


class Recorder:
    """Collects every byte that labgrid reads from a console."""

    def __init__(self):
        self.data = bytearray()
        steps.subscribe(self._notify)

    def close(self):
        """Stops to listen."""
        steps.unsubscribe(self._notify)

    def _notify(self, event):
        step = event.step
        if step.tag == "console" and step.title == "read" and event.data.get("state") == "stop":
            self.data += step.result or b""

    def text(self, start=0):
        """What came after byte `start`, as text with plain line ends."""
        return self.data[start:].decode("utf-8", "replace").replace("\r", "")
