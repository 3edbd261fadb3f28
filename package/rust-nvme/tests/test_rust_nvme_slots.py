# SPDX-License-Identifier: GPL-2.0
"""rust-nvme and controllers in slots: hot plug, PCI errors, virtual functions, shutdown."""

import re
import time

import pytest
from ironroot.board import MULTIPLIER
from nvme_disk import DRIVERS, MODULE, Disk

SIZE = 64 << 20
FUNCTIONS = "/sys/bus/pci/devices"
# What pciehp has in the Slot Control register (PCI Express 5.0, 7.5.3.10) of a slot with power.
POWER_OFF = 0x400
HOT_PLUG_INTERRUPT = 0x20
INDICATORS_OFF = 0x3C0
# Lockdep's opinion of pciehp, once a boot, with no driver of a card in it: the first slot to lose
# a card takes the lock of removals under its own, and at boot pciehp took them the other way round.
PCIEHP = (
    r"(?s)possible circular locking.*-pciehp/\d+ is trying to acquire lock:"
    r"[^)]*pci_rescan_remove_lock.*already holding lock:[^)]*ctrl->reset_lock"
)
# The kernel asks once, or for a tenth of a second, whether a CPU has stopped, and goes on whatever
# the answer: QEMU's may take longer on a busy machine.
STILL_STOPPING = r"HART\d+ isn't stopped; status 3|CPU\d+ may not have (stopped|shut down cleanly)"
pytestmark = [pytest.mark.expects(PCIEHP), pytest.mark.expects(STILL_STOPPING)]
FAILED_IO = r"I/O error|lost async page write|unable to read|nvme\w+: I/O Cmd|callbacks suppressed"


def QEMU_ARGS(_command, scratch):
    """Three slots: one to pull from, one for errors, one with virtual functions."""

    def node(name):
        with (scratch / f"{name}.img").open("wb") as disk:
            disk.truncate(SIZE)
        file = f"file.driver=file,file.filename={scratch}/{name}.img"
        return f"-blockdev driver=raw,node-name={name},{file}"

    return " ".join(
        [
            f"-D {scratch}/trace -trace pci_nvme_mmio_shutdown_set",
            "-device pcie-root-port,id=plugport,chassis=1,slot=1",
            node("plug"),
            "-device nvme,id=nvplug,bus=plugport,serial=plug,drive=plug",
            "-device pcie-root-port,id=errorport,chassis=2,slot=2",
            node("errors"),
            "-device nvme,id=nverrors,bus=errorport,serial=errors,drive=errors",
            # Four queues and two interrupts for two virtual functions, which have none at first.
            "-device pcie-root-port,id=virtualport,chassis=3,slot=3",
            "-device nvme-subsys,id=subsystem",
            "-device nvme,id=nvvirtual,bus=virtualport,serial=virtual,subsys=subsystem,"
            "sriov_max_vfs=2,max_ioqpairs=6,msix_qsize=5,sriov_vq_flexible=4,sriov_vi_flexible=2",
            node("shared"),
            "-device nvme-ns,drive=shared,bus=nvvirtual,nsid=1",
            node("private"),
            "-device nvme-ns,drive=private,bus=nvvirtual,nsid=2,shared=off,detached=on",
        ]
    )


class Slot:
    """The slot that the tests pull a controller from."""

    def __init__(self, board, function):
        self._board = board
        self._shell = board.shell
        port = self._shell.run_check(f"readlink -f {FUNCTIONS}/{function}/..")[0]
        self._port = port
        self._control = self._capability(0x10) + 0x18
        # QEMU wakes no port that sleeps when a card comes: no PME.
        self._shell.run_check(f"echo on > {port}/power/control")

    def _capability(self, wanted):
        """Where the port's configuration space has a capability (PCI 3.0, 6.7)."""
        lines = self._shell.run_check(f"od -v -An -tx1 -N 256 {self._port}/config")
        space = bytes.fromhex("".join(lines))
        at = space[0x34]
        while at and space[at] != wanted:
            at = space[at + 1]
        assert at
        return at

    def _write_control(self, value):
        low_first = "".join(f"\\{byte:03o}" for byte in value.to_bytes(2, "little"))
        place = f"of={self._port}/config bs=2 seek={self._control // 2} conv=notrunc"
        self._shell.run_check(f"printf '{low_first}' | dd {place} 2> /dev/null")

    def pull(self, noticed):
        """Pulls the card without a word before; says so afterwards, where it is `noticed`.

        QEMU takes the card when the slot's power goes off. Without its interrupt the kernel does
        not see that; with power on again, it sees a card that is gone from a slot that works.
        """
        on = 0x11 | INDICATORS_OFF
        self._write_control(on | POWER_OFF)
        self._write_control(on | HOT_PLUG_INTERRUPT | (0 if noticed else POWER_OFF))

    def press_button(self):
        """Asks for the card, as the button beside a slot does; the kernel gives it in 5 seconds."""
        self._board.qemu.monitor_command("device_del", {"id": "nvplug"})

    def plug(self):
        """Plugs the card in again; gives it once it is up."""
        card = {"driver": "nvme", "id": "nvplug", "bus": "plugport"}
        card |= {"serial": "plug", "drive": "plug"}
        self._board.qemu.monitor_command("device_add", card)
        return Disk(self._shell, "plug")


@pytest.fixture
def slot(board, loaded):
    """The slot, with its controller in it."""
    return Slot(board, loaded()("plug").function)


def gone(shell, disk):
    """Waits until the kernel has forgotten the function."""
    forgotten = f"for i in $(seq 100); do test -e {FUNCTIONS}/{disk.function} || exit 0"
    shell.run_check(f"{forgotten}; sleep 0.2; done; exit 1", timeout=60)
    # pciehp waits a second for a slot to lose its power, then looks whether there is a card. Of one
    # that came meanwhile it would take the press of the button, which QEMU adds, for a wish to have
    # it back. And the kernel is silenced again, after lockdep's opinion.
    shell.run_check("sleep 2; dmesg -n 1")


@pytest.fixture
def lone_cpu(shell):
    """Has the board's first CPU alone while cards are pulled.

    QEMU ends with a segmentation fault, once in some tens of times, when one CPU's doorbell waits
    for the lock under which another's write to the slot takes the controller away.
    """
    set_all = "for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do echo %d > $cpu; done"
    shell.run_check(set_all % 0)
    yield
    shell.run_check(set_all % 1)


@pytest.mark.expects(FAILED_IO)
@pytest.mark.usefixtures("lone_cpu")
def test_surprise_removal_while_fio_runs(shell, slot, rounds):
    disk = Disk(shell, "plug")
    for _ in range(rounds(3, 100)):
        disk.write_on()
        slot.pull(noticed=True)
        assert disk.ended()[1] != "0"
        gone(shell, disk)
        disk = slot.plug()
        assert disk.reads()


@pytest.mark.expects(FAILED_IO)
@pytest.mark.usefixtures("lone_cpu")
def test_removal_by_the_slots_button_while_fio_runs(shell, slot, rounds):
    disk = Disk(shell, "plug")
    for _ in range(rounds(1, 100)):
        disk.write_on()
        slot.press_button()
        assert disk.ended()[1] != "0"
        gone(shell, disk)
        disk = slot.plug()
        assert disk.reads()


@pytest.mark.expects(FAILED_IO)
@pytest.mark.expects(r"controller is down, will reset: CSTS 0xffffffff|reset failed \(-19\)")
@pytest.mark.expects(rf"{MODULE} .*Unable to change power state")
@pytest.mark.usefixtures("lone_cpu")
def test_a_controller_that_vanishes_unnoticed(shell, slot):
    """Only requests whose time is up tell the driver: it finds no controller, and gives up."""
    disk = Disk(shell, "plug")
    path = disk.path
    timeout = f"/sys/block/{path.removeprefix('/dev/')}/queue/io_timeout"
    shell.run_check(f"echo {int(1000 * MULTIPLIER)} > {timeout}")
    disk.write_on(path)
    slot.pull(noticed=False)
    assert disk.ended()[1] != "0"
    assert shell.run_check(f"cat {DRIVERS}/{MODULE}/{disk.function}/nvme/*/state") == ["dead"]
    shell.run_check(f"echo 1 > {FUNCTIONS}/{disk.function}/remove", timeout=60)
    assert slot.plug().reads()


def state(disk):
    """The controller's state."""
    return disk.shell.run_check(f"cat /sys/class/nvme/{disk.name}/state")


@pytest.mark.expects(r"pcieport .*(AER|PCIe Bus Error|device \[|\[ *\d+\])|cut off by a PCI error")
@pytest.mark.parametrize(("error", "reset"), [("DLP", True), ("POISON_TLP", False)])
def test_pci_error_recovery_while_fio_runs(board, shell, loaded, error, reset):
    """Errors of the port above: a fatal one resets what is behind it, others do not."""
    disk = loaded()("errors")
    disk.write_on()
    command = {"command-line": f"pcie_aer_inject_error errorport {error}"}
    assert "OK" in board.qemu.monitor_command("human-monitor-command", command)
    for _ in range(int(100 * MULTIPLIER)):
        log = "\n".join(board.new_log())
        if "AER: device recovery successful" in log:
            break
        time.sleep(0.2)
    else:
        pytest.fail("no recovery in good time")
    assert ("restarting after a slot reset" in log) == reset
    # Nobody's request is lost.
    disk.stop_writing()
    assert state(disk) == ["live"]
    assert disk.reads()


@pytest.mark.expects(r"Device not ready; aborting|probe failed: -19|probe with driver .* failed")
@pytest.mark.expects(r"controller capabilities changed|rescanning namespaces")
def test_virtual_functions(shell, loaded):
    """One gets queues and a namespace, and works; the other, offline, reads as zeroes all over."""
    parent = loaded()("virtual")
    control, function = f"/dev/{parent.name}", f"{FUNCTIONS}/{parent.function}"
    assert shell.run_check(f"cat {function}/sriov_totalvfs") == ["2"]
    shell.run_check(f"echo 2 > {function}/sriov_numvfs", timeout=60)
    try:
        # A controller whose capabilities are 0 is refused.
        virtual = [
            shell.run_check(f"basename $(readlink {function}/virtfn{index})")[0]
            for index in range(2)
        ]
        for name in virtual:
            assert shell.run(f"test -e {DRIVERS}/{MODULE}/{name}")[2] != 0
        # Controller 1, the first virtual function's: an interrupt, two queues, online.
        for resource, action, count in ((1, 8, 1), (0, 8, 2), (0, 9, 0)):
            options = f"--cntlid=1 --rt={resource} --act={action} --nr={count}"
            shell.run_check(f"nvme virt-mgmt {control} {options}")
        bind = f"{DRIVERS}/{MODULE}/bind"
        shell.run_check(f"echo {virtual[0]} > {bind}", timeout=60)
        assert shell.run(f"echo {virtual[1]} > {bind}", timeout=60)[2] != 0
        shell.run_check(f"nvme attach-ns {control} --namespace-id=2 --controllers=1", timeout=60)
        # The physical function has no way to this namespace.
        paths = f"ls -d {FUNCTIONS}/{virtual[0]}/nvme/nvme*/nvme*c*n*"
        found = f"for i in $(seq 100); do {paths} | grep 'n2$' && exit; sleep 0.2; done; exit 1"
        hidden = shell.run_check(found, timeout=60)[0]
        path = "/dev/" + re.sub(r"c\d+", "", hidden.split("/")[-1])
        parent.fio(
            "rw=randwrite",
            "bs=4k",
            "size=1M",
            "iodepth=8",
            "ioengine=libaio",
            "verify=crc32c",
            path=path,
        )
        # Sectors read and written: the MiB went this way, both times.
        numbers = shell.run_check(f"cat {hidden}/stat")[0].split()
        assert min(int(numbers[at]) for at in (2, 6)) >= 2048
    finally:
        shell.run_check(f"echo 0 > {function}/sriov_numvfs", timeout=60)
    assert shell.run(f"ls -d {function}/virtfn*")[2] != 0
    assert parent.reads()


def test_a_reboot_shuts_controllers_down(board, shell, loaded):
    """QEMU notes each Shutdown Notification in CC.SHN (NVMe base 2.1, figure 41)."""
    loaded()("errors")
    bound = shell.run_check(f"ls -d {DRIVERS}/{MODULE}/0000:*")
    assert len(bound) == 3

    def notified():
        return (board.scratch / "trace").read_text().count("pci_nvme_mmio_shutdown_set")

    before = notified()
    board.reboot()
    assert notified() - before == len(bound)
