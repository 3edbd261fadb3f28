# SPDX-License-Identifier: GPL-2.0
"""PHYs that QEMU's machines answer as: bound to our drivers, in use, and without a link at times.

phy_sim has no part in this: MAC, MDIO bus and polling are the real ones.
"""

import os
import re
import time

import pytest
from ironroot.board import MULTIPLIER
from ironroot.environment import lacks
from ironroot.fixtures import leaks_checked, power
from ironroot.kernel import fragments
from ironroot.phy_machines import MACHINES, Machine, Retold, Rig, card

HERE = MACHINES.get(os.environ.get("IRONROOT_BOARD"), {})
# phylib looks at a PHY without an interrupt once a second.
SEEN_WITHIN = 2
NETDEV = "/sys/class/net/eth0"
pytestmark = [
    pytest.mark.qemu_only("the PHYs are QEMU's"),
    # QEMU's registers are not those of each chip that the device tree tells of.
    pytest.mark.expects("Downshift occurred from negotiated speed"),
]


@pytest.fixture(scope="module", params=HERE)
def machine(request):
    """The network device with the PHY."""
    return HERE[request.param]


@pytest.fixture(scope="module")
def booted(machine, request, tmp_path_factory):
    """The board, or what QEMU is in its place."""
    if type(machine) is Machine:
        yield from leaks_checked(request.getfixturevalue("plain_board"), request)
        return
    if os.environ.get("IRONROOT_SERIAL"):
        pytest.skip("the machine is QEMU's")
    if isinstance(machine, Rig) and machine.needs not in fragments():
        pytest.skip(f"the kernel has no {machine.needs}")
    folder = machine.board(os.environ["IRONROOT_BOARD"], tmp_path_factory.mktemp("machine"))
    with power(request.config, card=card(), folder=folder) as board:
        yield from leaks_checked(board, request)


@pytest.fixture
def lease(board, shell):
    """Skips where QEMU never has a link; waits for the address that comes over it."""
    if reason := lacks(board.name, "ethernet"):
        pytest.skip(reason)
    wait_for_lease(shell)


def wait_for_lease(shell):
    """Waits until the network device has an address of QEMU's network."""
    wait = "for i in $(seq 60); do ip -4 addr show eth0 | grep -q inet && break; sleep 1; done"
    shell.run_check(f"{wait}; ip -4 addr show eth0 | grep 'inet 10.0.2.'", timeout=90)


def ping(shell):
    """QEMU's network answers."""
    shell.run_check("ping -c 2 -W 5 10.0.2.2", timeout=40)


def wait_for_carrier(shell, up):
    """Waits until the network device has a carrier, or none."""
    looked_for = f"[ $(cat {NETDEV}/carrier) = {int(up)} ] && exit"
    shell.run_check(f"for i in $(seq 500); do {looked_for}; usleep 20000; done; exit 1", timeout=60)


def bound_to(shell):
    """The module and the driver that the network device's PHY has.

    A MAC that takes its PHY before it is a network device has no link to it in sysfs; on a machine
    with such a one all PHYs are alike.
    """
    find = "[ -e $phy ] || phy=$(ls -d /sys/bus/mdio_bus/devices/*:* | head -n 1)"
    read = "readlink -f $phy/driver/module; readlink -f $phy/driver"
    lines = shell.run_check(f"phy={NETDEV}/phydev; {find}; {read}")
    return [line.rsplit("/", 1)[1] for line in lines]


def networks(qemu):
    """QEMU's names for what its network devices are wired to."""
    told = qemu.monitor_command("human-monitor-command", {"command-line": "info network"})
    return re.findall(r"^ \\ (\S+):", told, re.M)


def test_our_driver_has_the_phy(shell, machine):
    assert bound_to(shell) == [machine.module, machine.driver]


def test_a_ping_goes_through(shell, lease):
    ping(shell)


def test_the_link_comes_and_goes(board, shell, machine, lease, rounds):
    wires = networks(board.qemu)
    assert wires
    slowest = 0
    # Another identifier in the tree changes nothing of how MAC and PHY go together.
    for _ in range(rounds(3, 3 if isinstance(machine, Retold) else 200)):
        for up in (False, True):
            before = time.monotonic()
            for name in wires:
                board.qemu.monitor_command("set_link", {"name": name, "up": up})
            wait_for_carrier(shell, up)
            slowest = max(slowest, time.monotonic() - before)
    print(f"{board.name}: the slowest of the changes was seen after {slowest:.2f} s")
    assert slowest < SEEN_WITHIN * MULTIPLIER
    ping(shell)


# The HiFive Unleashed's MAC driver takes its clock away in use.
@pytest.mark.expects("clk_unregister: unregistering prepared clock: sifive-gemgxl-mgmt")
def test_the_driver_goes_and_comes_back(shell, machine, lease):
    """As a user would change drivers: the MAC has to let go of the PHY."""
    if isinstance(machine, Rig) and machine.stays:
        pytest.skip(machine.stays)
    mac = shell.run_check(f"basename $(readlink -f {NETDEV}/device/driver/module)")[0]
    shell.run_check("ifdown eth0")
    # Some MACs have their PHY while they are there, not only while they are up.
    shell.run_check(f"rmmod {mac} && rmmod {machine.module}", timeout=60)
    assert shell.run(f"test -d /sys/module/{machine.module}")[2] != 0
    shell.run_check(f"modprobe {machine.module} && modprobe {mac} && ifup eth0", timeout=60)
    wait_for_lease(shell)
    assert bound_to(shell) == [machine.module, machine.driver]
    ping(shell)
