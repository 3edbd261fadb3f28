# SPDX-License-Identifier: MIT
"""A loadable module on the board, as a user at the console handles it."""


class Module:
    """A module by its name, with underscores."""

    def __init__(self, shell, name):
        self._shell = shell
        self.name = name

    def load(self, parameters=""):
        """Loads the module; fails the test where the board refuses."""
        self._shell.run_check(f"modprobe {self.name} {parameters}", timeout=60)

    def refuses(self, parameters):
        """Whether the board refuses to load the module with these parameters."""
        return self._shell.run(f"modprobe {self.name} {parameters}", timeout=60)[2] != 0

    def unload(self):
        """Unloads the module; fails the test where the board still refuses after a while.

        What uses it may be on its way out: the scan of a disk's partitions holds its driver. Its
        dependencies stay: another module may need them.
        """
        tries = f"for i in $(seq 20); do rmmod {self.name} && exit; sleep 1; done; exit 1"
        self._shell.run_check(tries, timeout=60)

    def loaded(self):
        """Whether the kernel has the module now."""
        return self._shell.run(f"test -d /sys/module/{self.name}")[2] == 0

    def last_message(self):
        """The module's newest line in the kernel's log, without time and name."""
        line = self._shell.run_check(f"dmesg | grep '{self.name}: ' | tail -n 1")[0]
        return line.split(f"{self.name}: ", 1)[1]
