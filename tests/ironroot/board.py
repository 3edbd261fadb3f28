# SPDX-License-Identifier: MIT
"""A board under test: power and console, the same for QEMU and a serial port."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from pexpect import TIMEOUT

from ironroot import kernel, kernel_log
from ironroot.console import Recorder
from ironroot.environment import environment, lacks, options, target

# Every wait is multiplied by this one number: a slow machine changes it alone.
MULTIPLIER = float(os.environ.get("IRONROOT_TIMEOUT_MULTIPLIER") or 1)
# A debug kernel's checks take this many times as long.
if "CONFIG_KASAN" in kernel.fragments():
    MULTIPLIER *= 5


def scaled(run, console):
    """labgrid's run and run_check, with their time multiplied.

    What takes longer is interrupted: the next test finds a shell, not the last one's command.
    """

    def scaled_run(cmd, timeout=30.0, **rest):
        try:
            return run(cmd, timeout=timeout * MULTIPLIER, **rest)
        except TIMEOUT:
            console().sendcontrol("c")
            raise

    return scaled_run


class QemuEnded(Exception):
    """QEMU ended while a test was talking to the board."""


def watched(call, qemu):
    """labgrid's read or write of QEMU's console, which alone goes on with a QEMU that is gone."""

    def watched_call(*args, **rest):
        try:
            if result := call(*args, **rest):
                return result
        except ConnectionError:
            pass
        status = qemu._child.wait(timeout=30 * MULTIPLIER)
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        raise QemuEnded(f"QEMU ended by itself, with {how}; the next test has a new one")

    return watched_call


class Board:
    """The board that IRONROOT_BOARD names, through QEMU or through IRONROOT_SERIAL.

    IRONROOT_POWER describes the switch of the board on the serial port, where there is one.

    `qemu_args` are arguments for QEMU beside those of board.yaml: a text, or a
    function that makes one out of QEMU's command line and a directory. `card` is the size of
    QEMU's disk, as qemu-img takes it; without it, the image's own. `folder` has a board.yaml and
    an extlinux.conf that count instead of the board's: another machine with the board's image.
    """

    def __init__(self, qemu_args="", card="", folder=None):
        self.name = str(folder or os.environ["IRONROOT_BOARD"])
        self.images = Path(os.environ["IRONROOT_IMAGES"])
        serial = os.environ.get("IRONROOT_SERIAL", "")
        self.is_qemu = not serial
        power = "" if self.is_qemu else os.environ.get("IRONROOT_POWER", "")
        self.has_power = self.is_qemu or bool(power)
        self.options = options(self.name)
        self._marks = 0
        self._marker = ""
        # The kernel's log when the board was up, before anything else was done with it.
        self.boot_log = []
        self._scratch = tempfile.TemporaryDirectory(prefix="ironroot-test-")
        disk = self._overlay(card) if self.is_qemu else ""
        self.environment = environment(self.name, self.images, disk, serial, power)
        self.target = target(self.environment, self.name, "qemu" if self.is_qemu else "serial")
        self.recorder = Recorder(self.target)
        if self.is_qemu:
            qemu = self.target.get_driver("QEMUDriver", activate=False)
            qemu._read, qemu._write = watched(qemu._read, qemu), watched(qemu._write, qemu)
            if callable(qemu_args):
                qemu_args = qemu_args(qemu.get_qemu_base_args(), Path(self._scratch.name))
            if qemu_args:
                qemu.extra_args += f" {qemu_args}"
        self.shell = self.target.get_driver("ShellDriver", activate=False)
        self.shell.login_timeout = int(self.shell.login_timeout * MULTIPLIER)
        self.shell.await_login_timeout = int(self.shell.await_login_timeout * MULTIPLIER)
        self.shell.run = scaled(self.shell.run, lambda: self.console)
        self.shell.run_check = scaled(self.shell.run_check, lambda: self.console)

    def _overlay(self, card):
        """Tests write to an overlay: the image stays as it was built."""
        overlay = Path(self._scratch.name) / "disk.qcow2"
        image = self.images / "sdcard.img"
        if not image.is_file():
            raise SystemExit(f"ironroot: error: no {image}; run make image BOARD={self.name}")
        command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, overlay]
        subprocess.run([*command, *filter(None, [card])], check=True)
        return overlay

    @property
    def console(self):
        """labgrid's console driver: send lines, expect patterns."""
        return self.target.get_driver("ConsoleProtocol")

    @property
    def qemu(self):
        """labgrid's QEMU driver, for its monitor."""
        return self.target.get_driver("QEMUDriver")

    @property
    def scratch(self):
        """The directory that QEMU_ARGS got for its files."""
        return Path(self._scratch.name)

    def boot(self):
        """Gives power, where we have the switch, and logs in."""
        if self.is_qemu:
            self.power_on()
        else:
            self.target.activate(self.console)
            if self.has_power:
                # It may have been on.
                self.reset()
                return
        self._logs_in()

    def power_on(self):
        """Starts QEMU; what follows shows on the console."""
        self.target.activate(self.qemu)
        self.qemu.on()

    def _logs_in(self):
        self.target.activate(self.shell)
        self.boot_log = self.shell.run_check("dmesg -r")

    @staticmethod
    def has_package(name):
        """Whether the image has the package of that folder name."""
        return f"BR2_PACKAGE_{name.upper().replace('-', '_')}" in kernel.packages()

    def mark_log(self, text):
        """Puts a line into the kernel's log; `new_log` looks at what comes after it."""
        self.shell.run_check(self._mark(text))

    def _mark(self, text):
        # Two tests may have one name.
        self._marks += 1
        self._marker = f"ironroot-test: {self._marks} {text}"
        return f"echo '<6>{self._marker}' > /dev/kmsg"

    def new_log(self, pick="cat"):
        """The kernel's log since the last mark, as `dmesg -r` writes it; `pick` is a filter."""
        return self.shell.run_check(f"({kernel_log.since(self._marker)}) | {pick}")

    def new_complaints(self, accepted=(), mark="looked at"):
        """What nobody may leave in the kernel's log, since the last mark; sets the next one.

        Both in one command: it runs after each test, and a console is slow. It silences the kernel
        as labgrid did at the login, too: a report has every message shown from then on, and one
        that comes between a command's status and the line's end hides the status from labgrid.
        """
        read = kernel_log.since(self._marker)
        lines = self.shell.run_check(f"{read}; {self._mark(mark)}; dmesg -n 1")
        return self._complaints(lines, accepted)

    def leaks(self):
        """What kmemleak tells of objects that nothing points to any more; each is told once.

        It believes only an object that did not change since the scan before, and is not young.
        """
        found = "/sys/kernel/debug/kmemleak"
        scans = f"sleep 5; echo scan > {found}; echo scan > {found}"
        return self.shell.run_check(f"{scans}; cat {found}; echo clear > {found}", timeout=300)

    def boot_complaints(self):
        """What no boot may leave in the kernel's log."""
        return self._complaints(self.boot_log)

    def _complaints(self, lines, accepted=()):
        known = self.options["known_kernel_log"]
        if self._on_qemu():
            known = known + self.options.get("known_kernel_log_in_qemu", [])
        accepted = [*accepted, *(entry["pattern"] for entry in known)]
        if "CONFIG_KUNIT" in kernel.fragments():
            accepted += kernel_log.KUNIT_SAYS
        return kernel_log.complaints(lines, accepted)

    def expect(self, pattern, seconds):
        """Waits for a pattern on the console."""
        return self.console.expect(pattern, timeout=seconds * MULTIPLIER)

    def reboot(self):
        """Asks the board to reboot, and logs in again."""
        self.console.sendline("reboot")
        self._boots_again()

    def boot_again(self):
        """Reboots; where nothing on the board can, syncs and presses QEMU's reset button."""
        if not lacks(self.name, "reboot"):
            self.reboot()
        else:
            self.shell.run_check("sync")
            self.reset()

    def reset(self):
        """Presses QEMU's reset button, whatever the board is doing, and logs in again.

        A board on a serial port loses its power for a moment.
        """
        self._presses_reset()
        self._boots_again()

    def _presses_reset(self):
        if self.is_qemu:
            self.qemu.monitor_command("system_reset")
        else:
            self.target.get_driver("PowerProtocol").cycle()

    def _boots_again(self):
        self._leaves_the_shell()
        self.expect(self.stages[0], 60)
        self._logs_in()

    def _leaves_the_shell(self):
        console = self.console
        self.target.deactivate(self.shell)
        self.target.activate(console)

    @property
    def stages(self):
        """What the console shows of each boot stage."""
        stages = self.options["boot_stages"]
        return self.options.get("boot_stages_in_qemu", stages) if self._on_qemu() else stages

    def _on_qemu(self):
        """Whether the board is QEMU; in the test of the serial target QEMU is behind the port."""
        return self.is_qemu or bool(os.environ.get("IRONROOT_SERIAL_IS_QEMU"))

    @property
    def u_boot(self):
        """labgrid's driver of U-Boot's prompt; nothing where QEMU starts something else."""
        targets = self.environment.config.get_targets()
        drivers = targets["qemu" if self._on_qemu() else "serial"]["drivers"]
        if not any("UBootDriver" in driver for driver in drivers):
            return None
        return self.target.get_driver("UBootDriver", activate=False)

    def stop_in_u_boot(self):
        """Resets the board and stops U-Boot's countdown; gives labgrid's driver of its prompt."""
        u_boot = self.u_boot
        u_boot.login_timeout = int(60 * MULTIPLIER)
        self._presses_reset()
        self._leaves_the_shell()
        try:
            self.target.activate(u_boot)
        except TIMEOUT:
            # The next test finds a shell.
            self.reset()
            raise
        return u_boot

    def boot_from_u_boot(self):
        """Has U-Boot, at its prompt, do what it would have done by itself, and logs in."""
        self.u_boot.boot("")
        self.target.deactivate(self.u_boot)
        self._logs_in()

    def power_off(self):
        """Asks the board to power off; waits until QEMU has ended and gives its exit status."""
        self.console.sendline("poweroff")
        self.expect(r"reboot: Power down", 60)
        if not self.is_qemu:
            self._leaves_the_shell()
            return 0
        # labgrid has no call for a QEMU that ends by itself.
        status = self.qemu._child.wait(timeout=30 * MULTIPLIER)
        self.target.deactivate(self.shell)
        self._has_ended()
        return status

    def quit(self):
        """Ends QEMU at once, but in an orderly way: its plugins get their say."""
        self.qemu.monitor_command("quit")
        self.qemu._child.wait(timeout=30 * MULTIPLIER)
        self._has_ended()

    def boot_if_ended(self):
        """Boots again where QEMU has ended under the test before."""
        if self.is_qemu and (not self.qemu._child or self.qemu._child.poll() is not None):
            self.target.deactivate(self.shell)
            self._has_ended()
            self.boot()
            self.mark_log("booted again")

    def cut_power(self):
        """Ends QEMU as a power cut ends a board: at once, whatever it is doing."""
        self.target.deactivate(self.shell)
        self._kill()

    def _kill(self):
        self.qemu._child.kill()
        self.qemu._child.wait()
        self._has_ended()

    def _has_ended(self):
        self.qemu._child = None
        self.qemu.status = 0

    def close(self):
        """Ends QEMU and forgets the overlay."""
        if self.is_qemu and self.qemu.status:
            # Not by labgrid's off(), which asks: a QEMU that stands still never answers.
            self._kill()
        self.recorder.close()
        self.environment.cleanup()
        self._scratch.cleanup()
