# SPDX-License-Identifier: GPL-2.0
"""rust_marvell and the C driver on simulated PHYs: user space must see no difference."""

from operator import itemgetter

import pytest
from ironroot.phy import BMCR, LPA, NO_SYSFS_NODE, STAT1000, netlink
from ironroot.phy_chips import (
    EXT_ADDRESS,
    EXT_CONTROL,
    EXT_STATUS,
    GIGABIT_BMSR,
    INTERRUPT_STATUS,
    RECEIVE_ERRORS,
    m88e1111,
    m88e1510,
)
from ironroot.phy_script import both, compare, writes

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
DRIVERS = ("marvell", "rust_marvell")
CONTROL, STATUS, VCT = 16, 17, 28
# Pages. The 88E1510 has some for the MAC, LEDs, the cable tester, WoL and the mode, too.
COPPER, FIBER, MAC, LED, VCT7, WOL, MODE = 0, 1, 2, 3, 7, 17, 18
POWER_UP = m88e1111()
DELAYS = {"rgmii": 0x00, "rgmii-id": 0x82, "rgmii-rxid": 0x80, "rgmii-txid": 0x02}


def link(sim, up, partner=0, status=0):
    """The link came or went, and the PHY says so."""
    registers = {LPA: partner, STAT1000: 0x3C00 if status & 0x8000 else 0, STATUS: status}
    sim.link(up, GIGABIT_BMSR, registers, (INTERRUPT_STATUS, 0x0400))


def pairs(result):
    """What ethtool says of the pairs, and its exit status."""
    lines, status = result
    # ethtool may or may not see the test start before it is over.
    return [line for line in lines if line.startswith("Pair")], status


def test_is_set_up_for_its_mode_as_by_the_c_driver(shell):
    def observe(sim, mode):
        sim.set(EXT_CONTROL, 0x0CE2 & ~DELAYS.get(mode, 0))
        sim.start("marvell,reg-init = <0 24 0xff00 0x11>, <3 16 0 0x1777>, <3 17 0xfff0 0x4>;")
        sim.attach(mode)
        log = sim.log()
        values = sim.registers(
            (0, EXT_CONTROL), (0, EXT_STATUS), (0, 24), (3, 16), (3, 17), (0, EXT_ADDRESS)
        )
        return sim.driver(), values, log.then(writes), log.then(len)

    cases = {mode: POWER_UP for mode in (*DELAYS, "gmii", "sgmii", "rtbi")}
    for mode, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust[:3] == by_c[:3], mode
        assert by_rust[3] <= by_c[3], mode
        assert by_rust[0] == "Marvell 88E1111"
        values = by_rust[1]
        if mode in DELAYS:
            # A downshift after three tries, too.
            assert values[:2] == [0x0560 | DELAYS[mode], 0x848B], mode
        assert values[2:] == [0x0011, 0x1777, 0x0004, 0], mode


@pytest.mark.expects('"marvell,reg-init": there is no register 40')
def test_refuses_a_register_that_there_is_not(shell):
    def observe(sim):
        sim.start("marvell,reg-init = <0 24 0 0x11>, <3 40 0 0>;")
        return sim.refusal("attach 0 rgmii"), sim.get(24)

    # Nothing of the property was applied.
    assert both(shell, DRIVERS[1:], POWER_UP, observe) == [("Invalid argument", 0)]
    shell.run_check("dmesg | grep -q 'reg-init.*no register 40'")


def test_link_comes_and_goes_by_interrupt(shell):
    links = [
        (0x45E1, 0xAC40),
        (0x45E1, 0x6C00),
        (0x4081, 0x4C00),
        (0x4061, 0x2C00),
        (0x4021, 0x0C00),
    ]

    def observe(sim, mode):
        sim.start()
        sim.attach(mode)
        sim.up()
        seen = []
        for partner, status in links:
            link(sim, True, partner, status)
            seen.append(sim.settings().then(itemgetter("Speed", "Duplex", "MDI-X")))
            link(sim, False)
        sim.down()
        return seen, sim.get(BMCR)

    cases = {mode: POWER_UP for mode in ("rgmii-id", "sgmii")}
    for mode, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, mode
        reports, bmcr = seen
        assert [report[:2] for report in reports] == [
            ("1000Mb/s", "Full"),
            ("100Mb/s", "Full"),
            ("100Mb/s", "Half"),
            ("10Mb/s", "Full"),
            ("10Mb/s", "Half"),
        ], mode
        assert reports[0][2].startswith("on"), mode
        assert reports[1][2].startswith("off"), mode
        assert bmcr & 0x0800, mode


@netlink
def test_forced_modes_and_crossover(shell):
    def observe(sim):
        sim.start()
        # Not up: phylib then configures the PHY at once, not in the background.
        sim.attach("rgmii-id")
        seen = []
        for arguments in (
            "autoneg off speed 100 duplex full",
            "mdix on",
            "mdix off",
            "mdix auto",
            "autoneg off speed 10 duplex half",
            "autoneg on",
        ):
            result = sim.ethtool(f"-s $netdev {arguments}")
            seen.append((result, sim.registers((0, BMCR), (0, CONTROL))))
        return seen

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    assert [status for (_, status), _ in seen] == [0] * 6
    assert [control & 0x60 for _, (_, control) in seen] == [0x60, 0x20, 0x00, 0x60, 0x60, 0x60]
    assert seen[0][1][0] == 0x2100


def test_downshift(shell):
    # The register with the field for it, and the field: the counter and its enable.
    fields = {"88E1111": (EXT_CONTROL, 0x0E00, 0x0100), "88E1510": (CONTROL, 0x7000, 0x0800)}

    def observe(sim, chip):
        sim.start()
        sim.attach("rgmii-id")
        seen = []
        for setting in ("on", "on count 8", "off", "on count 9"):
            result = sim.ethtool(f"--set-phy-tunable $netdev downshift {setting}")
            value = sim.ethtool("--get-phy-tunable $netdev downshift")
            seen.append((result, value, sim.get(fields[chip][0])))
        return seen

    cases = {"88E1111": m88e1111(), "88E1510": m88e1510()}
    for chip, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, chip
        _, counter, enable = fields[chip]
        assert seen[1][2] & (counter | enable) == counter | enable, chip
        assert seen[2][2] & enable == 0, chip
        assert seen[3][0][1] != 0, chip


def test_counters_add_up(shell):
    def observe(sim, chip):
        sim.start()
        sim.attach("rgmii-id")
        seen = []
        for errors in (5, 0xFFFF):
            sim.set(RECEIVE_ERRORS, errors)
            sim.set(RECEIVE_ERRORS, 2, page=FIBER)
            sim.set(10, 0x3C03)
            seen.append(sim.ethtool("--phy-statistics $netdev"))
        return seen

    copper = ["phy_receive_errors_copper: 65540", "phy_idle_errors: 6"]
    both_pages = [*copper, "phy_receive_errors_fiber: 4"]
    cases = {"88E1111": m88e1111(), "88E1510": m88e1510()}
    for chip, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, chip
        assert seen[1][0][1:] == (both_pages if chip == "88E1510" else copper), chip


@netlink
def test_finds_the_fault_in_a_cable(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        sim.script(
            [
                f"reg 0 0 {VCT} {0x00FF}",
                f"reg 0 1 {VCT} {0x5F64}",
                f"reg 0 2 {VCT} {0x3F40}",
                f"reg 0 3 {VCT} {0x1F80}",
                # The test ends at once: the script has its results.
                f"readonly 0 0 {VCT} {0xFFFF}",
            ]
        )
        return sim.ethtool("--cable-test $netdev").then(pairs)

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    text = " ".join(seen[0])
    assert "Pair A code OK" in text
    assert "Pair B code Open Circuit" in text
    assert "Pair B, fault length: 51.42m" in text
    assert "Pair C code Short within Pair" in text


M88E1510_DELAYS = {"rgmii": 0x00, "rgmii-id": 0x30, "rgmii-rxid": 0x20, "rgmii-txid": 0x10}


def test_the_88e1510_is_set_up_for_its_mode_as_by_the_c_driver(shell):
    def observe(sim, mode):
        # The opposite; the other bits are not ours.
        sim.set(21, 0x1046 | 0x30 - M88E1510_DELAYS.get(mode, 0), page=MAC)
        sim.set(20, 0x0207, page=MODE)
        sim.start("marvell,reg-init = <3 16 0xff00 0x11>;")
        sim.attach(mode)
        log = sim.log()
        sim.up()
        link(sim, True, 0x45E1, 0xAC40)
        sim.settle()
        # Each look at the link selects pages, and how many looks there are is phylib's affair.
        started = sim.log().then(
            lambda log: [entry for entry in writes(log) if entry[1] != EXT_ADDRESS]
        )
        places = ((0, CONTROL), (MAC, 16), (MAC, 21), (LED, 16), (LED, 18), (MODE, 20))
        values = sim.registers(*places, (0xFF, 16), (0xFB, 7), (0, EXT_ADDRESS))
        return sim.driver(), values, log.then(writes), started, log.then(len)

    cases = {mode: m88e1510() for mode in (*M88E1510_DELAYS, "sgmii")}
    for mode, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust[:4] == by_c[:4], mode
        assert by_rust[4] <= by_c[4], mode
        name, values, *_ = by_rust
        assert name == "Marvell 88E1510"
        # A downshift after three tries, auto-MDIX, odd preambles, an interrupt at LED 2.
        assert values[:2] == [0x2B60, 0x0448], mode
        assert values[3:5] == [0x1111, 0x4A85 | 0x0800], mode
        assert values[6:] == [0x2159, 0xC00D, 0], mode
        if mode == "sgmii":
            assert values[5] == 0x0201
        else:
            assert (values[2], values[5]) == (0x1046 | M88E1510_DELAYS[mode], 0x0207), mode


def test_the_88e1510s_copper_link_comes_and_goes_by_interrupt(shell):
    links = [(0x45E1, 0xAC40), (0x45E1, 0x6C00), (0x4081, 0x4C00), (0x4021, 0x0C00)]

    def observe(sim, mode):
        sim.start()
        sim.attach(mode)
        sim.up()
        seen = []
        for partner, status in links:
            link(sim, True, partner, status)
            seen.append(sim.settings().then(itemgetter("Speed", "Duplex", "MDI-X", "Port")))
            link(sim, False)
        sim.settle()
        sim.log()
        sim.down()
        down = sim.log().then(writes)
        bmcr = sim.registers((COPPER, BMCR), (FIBER, BMCR))
        sim.up()
        control = sim.log().then(
            lambda log: [value for _, reg, value in writes(log) if reg == CONTROL]
        )
        return seen, down, bmcr, control

    cases = {mode: m88e1510() for mode in ("rgmii-id", "sgmii")}
    for mode, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, mode
        reports, _, bmcr, control = seen
        assert [report[:2] for report in reports] == [
            ("1000Mb/s", "Full"),
            ("100Mb/s", "Full"),
            ("100Mb/s", "Half"),
            ("10Mb/s", "Half"),
        ], mode
        assert reports[0][2].startswith("on"), mode
        assert reports[0][3] == "Twisted Pair", mode
        assert [value & 0x0800 for value in bmcr] == [0x0800] * 2, mode
        # The counter of tries starts anew.
        assert [value & 0x0800 for value in control[:2]] == [0, 0x0800], mode


def test_the_88e1510_has_a_link_of_fiber(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        # Its partner can pause, both ways.
        sim.script(
            [
                f"reg 0 {FIBER} {LPA} {0x01A0}",
                f"reg 0 {FIBER} {STATUS} {0xAC00}",
                f"reg 0 {COPPER} {INTERRUPT_STATUS} {0x0400}",
                "irq 0",
            ]
        )
        sim.wait_for_carrier(1)
        seen = sim.settings().then(itemgetter("Speed", "Duplex", "Port"))
        page = sim.get(EXT_ADDRESS)
        sim.script(
            [
                f"reg 0 {FIBER} {STATUS} 0",
                f"reg 0 {FIBER} {INTERRUPT_STATUS} {0x0400}",
                "irq 0",
            ]
        )
        sim.wait_for_carrier(0)
        sim.settle()
        return seen, page, sim.get(EXT_ADDRESS)

    c_seen, seen = both(shell, DRIVERS, m88e1510(), observe)
    assert seen == c_seen
    assert seen == (("1000Mb/s", "Full", "FIBRE"), FIBER, COPPER)


def test_the_88e1510_wakes_on_lan(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        seen = []
        for options in ("g", "p", "pg", "d"):
            result = sim.ethtool(f"-s $netdev wol {options}")
            report = sim.settings().then(itemgetter("Supports Wake-on", "Wake-on"))
            places = ((WOL, 16), *((WOL, 23 + i) for i in range(3)), (0, 18), (LED, 18))
            seen.append((result, report, sim.registers(*places), sim.get(EXT_ADDRESS)))
        return seen

    c_seen, seen = both(shell, DRIVERS, m88e1510(), observe)
    assert seen == c_seen
    assert [status for (_, status), *_ in seen] == [0] * 4
    assert seen[0][1] == ("pg", "g")
    # The address that the simulation gives its devices.
    assert seen[0][2][:4] == [0x4000, 0x0033, 0x2211, 0x5E02]
    assert [values[0] for *_, values, _ in seen] == [0x4000, 0x2000, 0x6000, 0]
    assert seen[0][2][4:] == [0x6480, 0x4A85 | 0x0800]


@netlink
def test_the_88e1510_finds_the_fault_in_a_cable(shell):
    def observe(sim, metres):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        sim.set(20, 0x4321, page=VCT7)
        for pair in range(4):
            sim.set(16 + pair, 11 * pair, page=VCT7)
        if metres:
            sim.set(21, 0x0400, page=VCT7)
            sim.script([f"readonly 0 {VCT7} 21 {0x0400}"])
        return sim.ethtool("--cable-test $netdev").then(pairs)

    cases = {metres: m88e1510() for metres in (False, True)}
    for metres, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, metres
        text = " ".join(seen[0])
        assert "Pair A code OK" in text
        assert "Pair B code Open Circuit" in text
        assert "Pair C code Short within Pair" in text
        assert "Pair D code Short to another pair" in text
        far = "11.00m" if metres else "0.11m"
        assert f"Pair B, fault length: {far}" in text
