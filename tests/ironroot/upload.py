# SPDX-License-Identifier: MIT
"""Puts files of the test machine on the board."""

import base64
import functools
import gzip
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Half of what busybox takes in one line; what QEMU's user network calls this machine.
CHUNK = 500
HOST = "10.0.2.2"


def by_console(shell, source, target):
    """Copies a small program through the shell; works on every board."""
    text = base64.b64encode(gzip.compress(Path(source).read_bytes())).decode()
    shell.run_check(f": > {target}.b64")
    for start in range(0, len(text), CHUNK):
        shell.run_check(f"echo {text[start : start + CHUNK]} >> {target}.b64")
    shell.run_check(f"base64 -d {target}.b64 | gunzip > {target} && rm {target}.b64")
    shell.run_check(f"chmod +x {target}")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments):
        """Nothing."""


def by_network(shell, sources, folder):
    """Copies files of any size, in QEMU: its network shows the board our loopback."""
    by_folder = {}
    for source in map(Path, sources):
        by_folder.setdefault(source.parent, []).append(source.name)
    shell.run_check(f"mkdir -p {folder}")
    for parent, names in by_folder.items():
        handler = functools.partial(Quiet, directory=parent)
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            for name in names:
                url = f"http://{HOST}:{server.server_port}/{name}"
                shell.run_check(f"wget -q -O {folder}/{name} {url}", timeout=120)
                shell.run_check(f"chmod +x {folder}/{name}")
            server.shutdown()
