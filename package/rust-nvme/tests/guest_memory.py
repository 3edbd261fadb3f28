# SPDX-License-Identifier: GPL-2.0
"""The board's memory, read and written behind its back: through QEMU's port for debuggers."""

import re
import socket
from contextlib import contextmanager

# Bytes a packet; QEMU takes 4096 characters, and a byte is two of them.
PIECE = 1024


class GuestMemory:
    """A connection to `-gdb chardev:…`, a socket in the host's file system.

    The protocol is gdb's remote serial protocol; addresses are the machine's, not a process's.
    """

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        # From here on the machine stands still.
        self._socket.connect(str(path))
        self._received = b""
        assert self._ask("Qqemu.PhyMemMode:1") == "OK"
        self._send("c")

    def close(self):
        """Lets the machine go on for good."""
        self._socket.sendall(b"\x03")
        self._answer()
        self._ask("D")
        self._socket.close()

    @contextmanager
    def stopped(self):
        """All processors stand still inside; devices have ended what they had begun."""
        self._socket.sendall(b"\x03")
        self._answer()
        try:
            yield self
        finally:
            self._send("c")

    def read(self, address, size):
        """Bytes of memory; inside `stopped` only."""
        pieces = [
            bytes.fromhex(self._ask(f"m{address + at:x},{min(PIECE, size - at):x}"))
            for at in range(0, size, PIECE)
        ]
        return b"".join(pieces)

    def write(self, address, data):
        """Writes at most `PIECE` bytes; inside `stopped` only."""
        assert self._ask(f"M{address:x},{len(data):x}:{data.hex()}") == "OK"

    def _ask(self, text):
        self._send(text)
        return self._answer()

    def _send(self, text):
        data = text.encode()
        self._socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))

    def _answer(self):
        """The next packet's content; acknowledgements are skipped, ours is sent."""
        while not (packet := re.match(rb"[^$]*\$([^#]*)#..", self._received, re.DOTALL)):
            data = self._socket.recv(4096)
            assert data, "QEMU closed its port for debuggers"
            self._received += data
        self._received = self._received[packet.end() :]
        self._socket.sendall(b"+")
        return packet[1].decode()
