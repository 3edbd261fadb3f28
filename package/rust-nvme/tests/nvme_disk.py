# SPDX-License-Identifier: GPL-2.0
"""A controller on the board, as the driver's tests see it."""

MODULE = "rust_nvme"
DRIVERS = "/sys/bus/pci/drivers"


class Disk:
    """A controller by its serial number, bound to the driver under test."""

    def __init__(self, shell, serial):
        self.shell = shell
        self.serial = serial
        # A controller's path in sysfs is that of its function, before and after it has a driver.
        path = self._find()
        self.function = path.split("/")[-1]

    def _find(self):
        # A probe may go on after what caused it is done.
        command = (
            "for i in $(seq 100); do for c in /sys/class/nvme/nvme*; do "
            f"grep -sq '^{self.serial} *$' $c/serial && readlink -f $c/device && exit; "
            "done; sleep 0.2; done; exit 1"
        )
        return self.shell.run_check(command, timeout=60)[0]

    @property
    def name(self):
        """The controller's name now, such as nvme1."""
        return self.shell.run_check(f"ls {DRIVERS}/{MODULE}/{self.function}/nvme")[0]

    def namespace(self, nsid):
        """A namespace's block device, once there: scans run side by side and name as they come.

        A namespace that controllers can share has the subsystem's number in its name, not the
        controller's, and beside it a hidden device for each path: these have a c in their names.
        sysfs has it before /dev: a write would make a file of that name there. So does busybox's
        `cp` as Buildroot configures it, in the node's place.
        """
        match = (
            f"grep -sqx {nsid} $n/nsid && grep -sq '^{self.serial} *$' $n/device/serial"
            " && [ -b /dev/${n##*/} ]"
        )
        find = (
            f"for n in /sys/block/nvme*n*; do {match} && case $n in */nvme*c*n*) ;; "
            "*) echo $n; exit;; esac; done"
        )
        command = f"for i in $(seq 50); do {find}; sleep 0.2; done; exit 1"
        return "/dev/" + self.shell.run_check(command)[0].split("/")[-1]

    @property
    def path(self):
        """The first namespace's block device."""
        return self.namespace(1)

    def unbind(self):
        """Takes the driver from the function."""
        self.shell.run_check(f"echo {self.function} > {DRIVERS}/{MODULE}/unbind", timeout=60)

    def bind(self):
        """Gives it back."""
        self.shell.run_check(f"echo {self.function} > {DRIVERS}/{MODULE}/bind", timeout=60)

    def fio(self, *options, path=None, timeout=180):
        """Runs fio on the namespace; fails the test where fio does."""
        settings = " ".join(f"--{option}" for option in options)
        command = f"fio --name=x --filename={path or self.path} --direct=1 {settings} --minimal"
        self.shell.run_check(f"{command} > /tmp/fio", timeout=timeout)

    def write_on(self, path=None):
        """Starts to write random blocks in the background, and waits until they come; see `ended`.

        A file that is not there any more is not made.
        """
        path = path or self.path
        command = (
            f"fio --name=x --filename={path} --direct=1 --rw=randwrite --bs=4k --size=8M "
            "--iodepth=32 --ioengine=libaio --runtime=600 --time_based --allow_file_create=0"
        )
        self.shell.run_check(f"({command} > /tmp/fio 2>&1; echo $? > /tmp/code) &")
        # The fifth number is that of the writes that ended.
        written = f"read r m s t n rest < /sys/block/{path.removeprefix('/dev/')}/stat"
        begun = f"{written}; old=$n; until {written} && [ $n -gt $((old + 50)) ]"
        self.shell.run_check(f"{begun}; do sleep 0.2; done", timeout=120)

    def ended(self):
        """What the program that `write_on` started said, and its exit status, once it has ended."""
        wait = "while pidof fio > /dev/null; do sleep 0.2; done"
        self.shell.run_check(wait, timeout=120)
        return self.shell.run_check("cat /tmp/fio"), self.shell.run_check("cat /tmp/code")[0]

    def stop_writing(self):
        """As above, but asks the program to end, and it must not have met an error."""
        # Until fio has its handler, the signal is lost.
        stop = "while pidof fio > /dev/null; do killall -INT fio; sleep 1; done"
        self.shell.run_check(stop, timeout=180)
        log = "\n".join(self.ended()[0])
        assert "err= 0" in log, log

    def reads(self):
        """Whether the first MiB can be read."""
        command = f"dd if={self.path} of=/dev/null bs=64k count=16 iflag=direct"
        return self.shell.run(command, timeout=60)[2] == 0
