# SPDX-License-Identifier: GPL-2.0
"""rust_micrel and the C driver on the same simulated PHYs: user space must see no difference."""

import pytest
from ironroot.phy import BMCR, LPA, NO_SYSFS_NODE, STAT1000, netlink
from ironroot.phy_chips import (
    GIGABIT_BMSR,
    KSZ9X31_LINKMD,
    KSZ8081_LINKMD,
    KSZ_INTERRUPT,
    MICREL,
    micrel,
)
from ironroot.phy_script import both, compare, writes

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
DRIVERS = ("micrel", "rust_micrel")
CTRL1000, RXER_COUNTER, OMSO, PHY_CONTROL_1, PHY_CONTROL = 9, 21, 22, 30, 31
KSZ9131_AXAN_STATUS, KSZ9131_AUTO_MDIX = 20, 28
LINK_UP, LINK_DOWN = 1 << 0, 1 << 2
GIGABIT = ("KSZ9031", "KSZ9131")
SKEWS = (4, 5, 6, 8)
DELAYS = {"rgmii": (0, 0), "rgmii-id": (1, 1), "rgmii-rxid": (1, 0), "rgmii-txid": (0, 1)}


def link(sim, chip, up, partner=0, gigabit=False):
    """The link came or went, and the PHY says so."""
    bmsr = GIGABIT_BMSR if chip in GIGABIT else 0x7809
    # The partner can do 1000BASE-T in both duplex modes.
    registers = {LPA: partner, STAT1000: 0x3C00 if gigabit else 0}
    sim.link(up, bmsr, registers, (KSZ_INTERRUPT, LINK_UP if up else LINK_DOWN))


def mode_of(chip):
    return "rgmii-id" if chip in GIGABIT else "rmii"


def linkmd_of(chip):
    return KSZ9X31_LINKMD if chip in GIGABIT else KSZ8081_LINKMD


def power_down(bmcr):
    return bmcr & 0x0800


def skews(sim):
    """Pad skews: control, RX data, TX data, clocks."""
    return sim.mmd(2, SKEWS)


def test_every_chip_is_set_up_as_by_the_c_driver(shell):
    def observe(sim, chip):
        sim.start()
        sim.attach(mode_of(chip))
        log = sim.log()
        name = sim.driver()
        sim.up()
        link(sim, chip, True, 0x45E1)
        sim.settle()
        # Energy-efficient Ethernet is advertised, or not.
        started = sim.log().then(writes)
        return name, log.then(writes), started, log.then(len)

    seen = compare(shell, DRIVERS, {chip: micrel(chip) for chip in MICREL}, observe)
    for chip, (by_c, by_rust) in seen.items():
        assert by_rust[:3] == by_c[:3], chip
        assert by_rust[3] <= by_c[3], chip
        assert f" {chip} " in by_rust[0]
        # Active low.
        control = [value for _, reg, value in by_rust[2] if reg == PHY_CONTROL][-1]
        assert control & (0x4000 if chip in GIGABIT else 0x0200) == 0, chip


@pytest.mark.expects("invalid led mode: 0x04")
def test_straps_of_the_ksz8081_are_overridden(shell):
    def observe(sim, led_mode):
        sim.start(f"micrel,led-mode = <{led_mode}>;")
        sim.attach("rmii")
        return sim.registers((0, OMSO), (0, PHY_CONTROL))

    # There is no LED mode 4: the register stays.
    bits = {1: 0x0010, 3: 0x0030, 4: 0}
    cases = dict.fromkeys(bits, micrel("KSZ8081"))
    for led_mode, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust == by_c, led_mode
        assert by_rust[0] == 0x0203, led_mode
        assert by_rust[1] & 0x0030 == bits[led_mode], led_mode
    shell.run_check("dmesg | tail -n 50 | grep -q 'micrel,led-mode.*invalid led mode: 0x04'")


def test_delays_are_those_of_the_mode(shell):
    def observe(sim, case):
        chip, mode = case
        rx, tx = DELAYS[mode]
        # The straps ask for the opposite; the other bits are not ours.
        if chip == "KSZ9131":
            bypass = ((76, 0x1B | rx << 12), (77, 0x0B | tx << 12))
            sim.script([f"mmd 0 2 {reg} {value}" for reg, value in bypass])
        # In two of the modes only the MAC has a node.
        sim.start(in_mac=rx == tx)
        sim.attach(mode)
        return skews(sim), sim.mmd(2, (76, 77))

    cases = {(chip, mode): micrel(chip) for chip in GIGABIT for mode in DELAYS}
    for case, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust == by_c, case
        chip, mode = case
        rx, tx = DELAYS[mode]
        if chip == "KSZ9131":
            assert by_rust[1] == [0x1B | (1 - rx) << 12, 0x0B | (1 - tx) << 12], case
            assert by_rust[0] == [0x77, 0x7777, 0x7777, 0x01EF], case
        else:
            (rxd, rxc), (txd, txc) = ((0xC, 0), (7, 0x19))[rx], ((7, 0xF), (0, 0x1F))[tx]
            expected = [rxd << 4 | txd, rxd * 0x1111, txd * 0x1111, txc << 5 | rxc]
            assert by_rust[0] == expected, case


# What the device tree says of pads, and the registers then; without a delay by the mode.
PADS = {
    ("KSZ9031", "rxc-skew-ps = <1860>; txc-skew-ps = <900>;"): [0xC7, 0xCCCC, 0x7777, 0x01FF],
    ("KSZ9031", "rxc-skew-ps = <600>; rxdv-skew-ps = <0>;"): [0x07, 0xCCCC, 0x7777, 0x01EA],
    (
        "KSZ9031",
        "rxd0-skew-ps = <60>; rxd1-skew-ps = <120>; rxd2-skew-ps = <180>; rxd3-skew-ps = <240>;"
        "txd3-skew-ps = <0>; txen-skew-ps = <900>; rxdv-skew-ps = <420>;",
    ): [0x7F, 0x4321, 0x0777, 0x01E0],
    ("KSZ9131", "rxc-skew-psec = <2400>; txc-skew-psec = <(-700)>;"): [0x77, 0x7777, 0x7777, 0x1F],
    (
        "KSZ9131",
        "txd0-skew-psec = <100>; rxd3-skew-psec = <900>; txen-skew-psec = <(-1000)>;",
    ): [0x70, 0xF777, 0x7778, 0x01EF],
}


def test_pads_are_as_skewed_as_the_device_tree_says(shell):
    def observe(sim, case):
        _, properties, in_mac = case
        sim.start(properties, in_mac)
        sim.attach("rgmii")
        return skews(sim), sim.log().then(writes)

    # In the PHY's node, or where they stood long ago.
    cases = {(*case, at % 2 == 1): micrel(case[0]) for at, case in enumerate(PADS)}
    for case, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust == by_c, case
        assert by_rust[0] == PADS[case[:2]], case


def test_without_a_device_tree_the_straps_count(shell):
    def observe(sim, chip):
        sim.start(None)
        sim.attach("rgmii-txid")
        return sim.mmd(2, (*SKEWS, 76, 77)), sim.log().then(writes)

    cases = {chip: micrel(chip) for chip in GIGABIT}
    for chip, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust == by_c, chip
        assert by_rust[0] == [0x77, 0x7777, 0x7777, 0x01EF, 0x1B, 0x100B], chip


@pytest.mark.expects("skew-ps values should be used only with RGMII PHY modes")
def test_the_ksz9031_as_master_and_without_rgmii(shell):
    def observe(sim):
        sim.start("micrel,force-master; rxc-skew-ps = <0>;")
        sim.attach("gmii")
        return sim.get(CTRL1000), skews(sim), sim.mmd(0, (3, 4)), sim.mmd(0x1C, (0x23,))

    c_seen, seen = both(shell, DRIVERS, micrel("KSZ9031"), observe)
    assert seen == c_seen
    assert seen[0] & 0x1800 == 0x1800
    assert seen[1:] == ([0x77, 0x7777, 0x7777, 0x01E0], [0x1A80, 0x0006], [0x0003])


def test_link_comes_and_goes_by_interrupt(shell):
    # What the partner advertises, and what Digital AX/AN Status says of the pairs.
    links = [
        (0x45E1, False, 0x5000, "100Mb/s", "Full"),
        (0x4081, False, 0x4000, "100Mb/s", "Half"),
        (0x4061, False, 0x0000, "10Mb/s", "Full"),
        (0x4021, False, 0x5000, "10Mb/s", "Half"),
        (0x45E1, True, 0x4000, "1000Mb/s", "Full"),
    ]

    def observe(sim, chip):
        sim.start()
        sim.attach(mode_of(chip))
        sim.up()
        seen = []
        for partner, gigabit, axan, *_ in links if chip in GIGABIT else links[:-1]:
            if chip == "KSZ9131":
                sim.set(KSZ9131_AXAN_STATUS, axan)
            elif chip == "KSZ8081":
                sim.set(PHY_CONTROL_1, axan >> 8)
            link(sim, chip, True, partner, gigabit)
            seen.append(sim.settings())
            link(sim, chip, False)
        sim.settle()
        sim.log()
        sim.down()
        written = sim.log().then(writes)
        down = sim.registers((0, BMCR), (0, KSZ_INTERRUPT))
        # The power-down resets what delays the clocks.
        sim.script([f"mmd 0 2 76 {0x1000}"])
        sim.up()
        return seen, written, down, sim.get(BMCR).then(power_down), sim.mmd(2, (76,))

    cases = {chip: micrel(chip) for chip in MICREL}
    for chip, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, chip
        reports, _, (bmcr, enabled), again, delays = seen
        expected = [report[3:] for report in links if chip in GIGABIT or not report[1]]
        assert [(report["Speed"], report["Duplex"]) for report in reports] == expected, chip
        assert (power_down(bmcr), enabled, again) == (0x0800, 0, 0), chip
        if chip == "KSZ9131":
            crossed = [report["MDI-X"].split(" ")[0] for report in reports]
            assert crossed == ["off", "on", "Unknown", "off", "on"]
            assert delays == [0]


def test_a_ksz9031_that_hangs_is_set_up_again(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        link(sim, "KSZ9031", True, 0x45E1, True)
        # The idle errors are at their end.
        sim.script(
            [
                f"mmd 0 {0x1C} {0x23} 0",
                f"reg 0 0 {STAT1000} {0x3CFF}",
                f"reg 0 0 {KSZ_INTERRUPT} {LINK_UP}",
                "irq 0",
            ]
        )
        sim.wait_for_carrier(0)
        edpd = sim.mmd(0x1C, (0x23,))
        link(sim, "KSZ9031", True, 0x45E1, True)
        return edpd, sim.settings().then(lambda settings: settings["Speed"])

    seen = both(shell, DRIVERS, micrel("KSZ9031"), observe)
    assert seen == [([0x0001], "1000Mb/s")] * 2


@netlink
def test_forced_modes_and_crossover(shell):
    def observe(sim, chip):
        sim.start()
        # Not up: phylib then configures the PHY at once, not in the background.
        sim.attach(mode_of(chip))
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
            places = ((0, BMCR), (0, PHY_CONTROL), (0, KSZ9131_AUTO_MDIX))
            seen.append((result, sim.registers(*places)))
        return seen

    cases = {chip: micrel(chip) for chip in MICREL}
    for chip, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, chip
        values = [registers for _, registers in seen]
        assert values[0][0] == 0x2100, chip
        if chip == "KSZ8081":
            assert [control & 0xE000 for _, control, _ in values[1:4]] == [0xE000, 0xA000, 0x8000]
        if chip == "KSZ9131":
            assert [auto_mdix & 0xC0 for *_, auto_mdix in values[1:4]] == [0x40, 0xC0, 0x00]


def test_counters_add_up(shell):
    def observe(sim):
        sim.start()
        sim.attach("rmii")
        seen = []
        for errors in (5, 0xFFFF):
            sim.set(RXER_COUNTER, errors)
            sim.set(STAT1000, 0x3C03)
            seen.append(sim.ethtool("--phy-statistics $netdev"))
        return seen

    c_seen, seen = both(shell, DRIVERS, micrel("KSZ8081"), observe)
    assert seen == c_seen
    assert "phy_receive_errors: 65540" in seen[1][0]
    assert "phy_idle_errors: 6" in seen[1][0]


# What LinkMD finds on each pair, and what ethtool then says of them.
CABLES = {
    ("KSZ8081", 0x0000): "code OK",
    ("KSZ8081", 0x2064): "fault length: 40.00m",
    ("KSZ9031", 0x0164): "fault length: 40.00m",
    ("KSZ9131", 0x0264): "fault length: 31.20m",
    ("KSZ9131", 0x0055): "code OK",
}


def up(sim, chip):
    """The network device comes up; phylib, which configures the PHY in the background, is done."""
    sim.up()
    link(sim, chip, True, 0x45E1)
    link(sim, chip, False)
    sim.settle()


def cable_test(sim):
    """Tests the cable: what ethtool says of the pairs, its status, and all writes to registers."""
    sim.log()
    result = sim.ethtool("--cable-test $netdev")
    pairs = result.then(lambda answer: [line for line in answer[0] if line.startswith("Pair")])
    sim.settle()
    return pairs, result.then(lambda answer: answer[1]), sim.log().then(writes)


def starts_of(written, register):
    """How many times LinkMD was told to test."""
    return sum(entry[1] == register for entry in written)


@netlink
def test_finds_the_fault_in_a_cable(shell):
    def observe(sim, case):
        chip, result = case
        sim.start()
        sim.attach(mode_of(chip))
        up(sim, chip)
        sim.set(CTRL1000, 0x0B00)
        sim.set(linkmd_of(chip), result)
        return cable_test(sim)

    cases = {case: micrel(case[0]) for case in CABLES}
    for case, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust == by_c, case
        lines, status, written = by_rust
        pairs = 4 if case[0] in GIGABIT else 2
        assert " ".join(lines).count(CABLES[case]) == pairs, case
        assert (status, starts_of(written, linkmd_of(case[0]))) == (0, pairs), case


# The statuses of the pairs A and B: one is OK at once, the other has none after 20 times.
NOISE = ((0x6000, 0x0000), (0x0000, 0x6000))


@netlink
def test_gives_a_cable_up_with_a_partner_that_talks(shell):
    def observe(sim, pairs):
        # The chip tests the pair that it sends on: that of MDI, or that of MDI-X.
        selects = (0xA180, 0xE180)
        sim.script(
            [
                f"banks 0 {PHY_CONTROL} {KSZ8081_LINKMD} {KSZ8081_LINKMD}",
                *(
                    f"{kind} 0 {page} {KSZ8081_LINKMD} {value}"
                    for page, status in zip(selects, pairs, strict=True)
                    for kind, value in (
                        ("reg", status),
                        ("readonly", 0x7FFF),
                        ("selfclear", 0x8000),
                    )
                ),
            ]
        )
        sim.start()
        sim.attach("rmii")
        up(sim, "KSZ8081")
        return cable_test(sim)

    cases = dict.fromkeys(NOISE, micrel("KSZ8081"))
    for pairs, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust == by_c, pairs
        lines, _, written = by_rust
        assert (len(lines), starts_of(written, KSZ8081_LINKMD)) == (1, 21), pairs
        # The PHY is set up anew.
        assert OMSO in [register for _, register, _ in written], pairs
