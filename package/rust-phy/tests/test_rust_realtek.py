# SPDX-License-Identifier: GPL-2.0
"""rust_realtek and the C driver on the same simulated PHYs: user space must see no difference."""

import pytest
from ironroot.phy import BMCR, LPA, NO_SYSFS_NODE, STAT1000, netlink
from ironroot.phy_chips import GIGABIT_BMSR, INSR, PAGSR, PENDING, REALTEK, realtek
from ironroot.phy_script import both, compare, writes

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
DRIVERS = ("realtek", "rust_realtek")
PHYSR, PHYCR1, PHYCR2 = 26, 24, 25
PHYCR2_POWER_UP = 0x0063
DELAYS = {"rgmii": (0, 0), "rgmii-id": (1, 1), "rgmii-rxid": (1, 0), "rgmii-txid": (0, 1)}
SPEEDS = [
    ("100Mb/s", "Full"),
    ("100Mb/s", "Half"),
    ("10Mb/s", "Full"),
    ("10Mb/s", "Half"),
    ("1000Mb/s", "Full"),
]


def power_down(bmcr):
    return bmcr & 0x0800


def link(sim, chip, up, partner=0, physr=0):
    """The link came or went, and the PHY says so."""
    bmsr = GIGABIT_BMSR if chip.startswith("RTL8211") else 0x7809
    # The partner can do 1000BASE-T in both duplex modes.
    registers = {LPA: partner, STAT1000: 0x3C00 if physr & 0x20 else 0, PHYSR: physr}
    sim.link(up, bmsr, registers, PENDING.get(chip, (INSR, 1 << 4)))


def test_every_chip_is_set_up_as_by_the_c_driver(shell):
    def observe(sim, chip):
        sim.start()
        sim.attach("rgmii-id" if chip.startswith("RTL8211") else "rmii")
        log = sim.log()
        return sim.driver(), log.then(writes), log.then(len)

    seen = compare(shell, DRIVERS, {chip: realtek(chip) for chip in REALTEK}, observe)
    for chip, ((c_name, c_written, c_count), (name, written, count)) in seen.items():
        assert name == c_name, chip
        assert written == c_written, chip
        assert count <= c_count, chip
        assert name.startswith(f"{chip} "), chip


def test_delays_are_those_of_the_mode(shell):
    def observe(sim, case):
        chip, mode = case
        rx, tx = DELAYS[mode]
        # The pins ask for the opposite; the other bits are not ours.
        if chip == "RTL8211E":
            sim.set(28, 0xC7FF & ~0x3800 | (1 - tx) << 12 | (1 - rx) << 11, page=0x100A4)
        else:
            sim.set(17, 0x0609 | (1 - tx) << 8, page=0xD08)
            sim.set(21, 0x0011 | (1 - rx) << 3, page=0xD08)
        sim.start()
        sim.attach(mode)
        return sim.registers((0x100A4, 28), (0xD08, 17), (0xD08, 21), (0, PAGSR))

    cases = {(chip, mode): realtek(chip) for chip in ("RTL8211E", "RTL8211F") for mode in DELAYS}
    for case, seen in compare(shell, DRIVERS, cases, observe).items():
        chip, mode = case
        rx, tx = DELAYS[mode]
        if chip == "RTL8211E":
            # The C driver's comment and its code differ in which of bits 11 and 12 is which
            # clock's.
            expected = [0xC7FF & ~0x3800 | 1 << 13 | tx << 12 | rx << 11, 0, 0, 0]
        else:
            expected = [0, 0x0609 & ~0x100 | tx << 8, 0x0011 & ~0x8 | rx << 3, 0]
        assert seen == [expected, expected], case


def test_does_what_the_device_tree_asks_for(shell):
    def observe(sim, _chip):
        sim.set(PHYCR2, PHYCR2_POWER_UP)
        sim.set(17, 0x0100, page=0xD05)
        sim.start(
            "realtek,aldps-enable; realtek,clkout-disable; realtek,clkout-ssc-enable;"
            "realtek,rxc-ssc-enable; realtek,sysclk-ssc-enable;"
        )
        sim.attach("rgmii")
        values = sim.registers(
            (0, PHYCR1), (0, PHYCR2), (0xD05, 17), (0xC44, 19), (0xC44, 23), (0xD09, 16)
        )
        return values, sim.log().then(writes)

    expected = {
        "RTL8211F": [0x1006, 0x30EA, 0x0100, 0x5F00, 0x4F00, 0xCF00],
        "RTL8211F-VD": [0x1006, PHYCR2_POWER_UP, 0, 0, 0, 0],
    }
    cases = {chip: realtek(chip) for chip in expected}
    for chip, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, chip
        assert seen[0] == expected[chip], chip


@netlink
def test_link_comes_and_goes_by_interrupt(shell):
    # What the partner advertises, and what PHYSR says of it: speed in 5:4, duplex in 3.
    links = [(0x45E1, 0x18), (0x4081, 0x10), (0x4061, 0x08), (0x4021, 0x00), (0x45E1, 0x828)]

    def observe(sim, chip):
        sim.start()
        sim.attach("rgmii-id" if chip.startswith("RTL8211") else "rmii")
        sim.up()
        seen = []
        for partner, physr in links if chip.startswith("RTL8211") else links[:-1]:
            link(sim, chip, True, partner, physr)
            seen.append(sim.settings())
            link(sim, chip, False)
        sim.down()
        return seen, sim.get(BMCR).then(power_down)

    cases = {chip: realtek(chip) for chip in ("RTL8201F", "RTL8211E", "RTL8211F")}
    for chip, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, chip
        reports, powered_down = seen
        speeds = SPEEDS if chip.startswith("RTL8211") else SPEEDS[:-1]
        assert [(report["Speed"], report["Duplex"]) for report in reports] == speeds, chip
        if chip == "RTL8211F":
            assert reports[4]["master-slave status"] == "master"
        assert powered_down == 0x0800, chip


def test_magic_packets_wake_the_system(shell):
    def observe(sim):
        sim.start("wakeup-source;")
        sim.attach("rgmii-id")
        sim.up()
        seen = []
        for option in ("g", "d", "g"):
            result = sim.ethtool(f"-s $netdev wol {option}")
            events = sim.registers((0xD8A, 16), (0xD8A, 17))
            address = sim.registers(*((0xD8C, 16 + i) for i in range(3)))
            seen.append((result, sim.wakeup(), events, address))
        # With WoL on, down arms it and leaves the PHY awake.
        sim.down()
        armed = sim.registers((0xA42, 18), (0xD8A, 17))
        power = sim.get(BMCR).then(power_down)
        sim.up()
        return seen, armed, power, sim.get(18, page=0xA42)

    c_seen, seen = both(shell, DRIVERS, realtek("RTL8211F"), observe)
    assert seen == c_seen
    steps, armed, power, again = seen
    assert steps[0][1:] == (
        ["Supports Wake-on: g", "Wake-on: g"],
        [0x1000, 0x1FFF],
        [0x5E02, 0x2211, 0x0033],
    )
    assert steps[1][1:3] == (["Supports Wake-on: g", "Wake-on: d"], [0, 0x1FFF])
    assert (armed, power, again) == ([0x80, 0x9FFF], 0, 0x10)


@netlink
def test_no_wakeup_without_the_property(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        return sim.wakeup(), sim.ethtool("-s $netdev wol g").then(lambda answer: answer[1] != 0)

    nothing = ["Supports Wake-on: d", "Wake-on: d"]
    assert both(shell, DRIVERS, realtek("RTL8211F"), observe) == [(nothing, True)] * 2
