# SPDX-License-Identifier: GPL-2.0
"""rust_motorcomm and the C driver on the same simulated PHYs: user space must see no difference."""

import pytest
from ironroot.kernel import fragments
from ironroot.phy import BMCR, BMSR, BMSR_ANEG_COMPLETE, BMSR_LINK, LPA, NO_SYSFS_NODE, STAT1000
from ironroot.phy_chips import EXT_DATA, GIGABIT_BMSR, MOTORCOMM, motorcomm
from ironroot.phy_leds import led_nodes, watch_led
from ironroot.phy_script import compare

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
DRIVERS = ("motorcomm", "rust_motorcomm")
SPECIFIC_STATUS, INTERRUPT_ENABLE = 17, 18
# Of BMCR.
PDOWN = 0x0800
CLK_GATE, DELAY_DRIVE, SLEEP = 0x0C, 0x0D, 0x27
CHIP_CONFIG, RGMII_CONFIG1, WOL_CONFIG, DRIVE, SYNCE = 0xA001, 0xA003, 0xA00A, 0xA010, 0xA012
LED_CONFIG = (0xA00C, 0xA00D, 0xA00E)
WOL_ADDRESS = (0xA007, 0xA008, 0xA009)
ALL = (CLK_GATE, DELAY_DRIVE, SLEEP, 0xA000, CHIP_CONFIG, RGMII_CONFIG1, WOL_CONFIG, DRIVE, SYNCE)
# All ones, but twisted pairs to RGMII at 1.8 V: what the driver sets is what it clears.
ONES = {reg: 0xFFFF for reg in ALL} | {CHIP_CONFIG: 0x8160, WOL_CONFIG: 0x0002}
# A link's status, and what the partner advertises.
LINKS = [(0xAC00, 0x45E1), (0x6C00, 0x45E1), (0x4400, 0x4081), (0x2400, 0x4061), (0x0400, 0x4021)]
SPEEDS = [
    ("1000Mb/s", "Full"),
    ("100Mb/s", "Full"),
    ("100Mb/s", "Half"),
    ("10Mb/s", "Full"),
    ("10Mb/s", "Half"),
]


def extended(sim, *regs):
    """The values of extended registers."""
    return sim.registers(*((reg, EXT_DATA) for reg in regs))


def up(sim, status, partner):
    """The network device comes up on a PHY that has its link: nobody waits for a poll."""
    registers = {
        SPECIFIC_STATUS: status,
        LPA: partner,
        STAT1000: 0x3C00 if status & 0x8000 else 0,
        BMSR: GIGABIT_BMSR | BMSR_LINK | BMSR_ANEG_COMPLETE,
    }
    sim.script(f"reg 0 0 {register} {value}" for register, value in registers.items())
    sim.up()
    sim.wait_for_carrier(1)


def down(sim):
    """The network device goes down, and the link with it."""
    sim.down()
    sim.set(BMSR, GIGABIT_BMSR)


def test_every_chip_is_set_up_as_by_the_c_driver(shell):
    def observe(sim, chip):
        sim.start("motorcomm,auto-sleep-disabled; motorcomm,keep-pll-enabled;")
        sim.attach("rgmii-id")
        count = sim.log().then(len)
        return sim.driver(), extended(sim, *ALL), count

    cases = {chip: motorcomm(chip, ONES) for chip in MOTORCOMM}
    seen = compare(shell, DRIVERS, cases, observe)
    for chip, ((c_name, c_values, c_count), (name, values, count)) in seen.items():
        assert name == c_name, chip
        assert values == c_values, chip
        assert count <= c_count, chip
        assert name.startswith(f"{chip} "), chip
    values = dict(zip(ALL, seen["YT8531"][1][1], strict=True))
    assert (values[CLK_GATE], values[SLEEP]) == (0xEFFF, 0x7FFF)
    assert (values[CHIP_CONFIG], values[RGMII_CONFIG1]) == (0x8060, 0xF7FD)
    assert (values[DRIVE], values[SYNCE]) == (0x6FFF, 0xFFBF)
    values = dict(zip(ALL, seen["YT8521"][1][1], strict=True))
    assert (values[0xA000], values[DRIVE], values[SYNCE]) == (0, 0xFFFF, 0xFFDF)


@pytest.mark.expects("(Unsupported value|ps is not supported)")
def test_delays_are_those_of_the_mode_and_the_device_tree(shell):
    # Mode, what the device tree says, bit 8 of Chip_Config, RGMII_Config1.
    cases = [
        ("rgmii", "rx-internal-delay-ps = <600>; tx-internal-delay-ps = <600>;", 0, 0),
        ("rgmii-id", "", 0, 0x340D),
        ("rgmii-id", "rx-internal-delay-ps = <2100>; tx-internal-delay-ps = <150>;", 0, 0x3801),
        ("rgmii-id", "rx-internal-delay-ps = <2200>; tx-internal-delay-ps = <2250>;", 1, 0x080F),
        ("rgmii-rxid", "rx-internal-delay-ps = <4150>;", 1, 0x3C00),
        ("rgmii-txid", "rx-internal-delay-ps = <4150>; tx-internal-delay-ps = <0>;", 0, 0),
        # What the chip cannot give is the default.
        ("rgmii-id", "rx-internal-delay-ps = <100>; tx-internal-delay-ps = <2400>;", 0, 0x340D),
    ]

    def observe(sim, case):
        mode, properties, _, _ = case
        sim.start(properties)
        sim.attach(mode)
        return extended(sim, CHIP_CONFIG, RGMII_CONFIG1)

    power_up = motorcomm("YT8531", {CHIP_CONFIG: 0x8060, RGMII_CONFIG1: 0x02F0})
    for case, seen in compare(shell, DRIVERS, dict.fromkeys(cases, power_up), observe).items():
        _, _, fixed, delays = case
        assert seen == [[0x8060 | fixed << 8, 0x02F0 | delays]] * 2, case
    for name in ("rx-internal-delay-ps.: 100", "tx-internal-delay-ps.: 2400"):
        shell.run_check(f"dmesg | tail -n 50 | grep -q '{name} ps is not supported'")


def test_the_yt8511_delays_as_its_mode_says(shell):
    delays = {"rgmii": (0, 2), "rgmii-id": (1, 15), "rgmii-rxid": (1, 2), "rgmii-txid": (0, 15)}

    def observe(sim, mode):
        sim.start()
        sim.attach(mode)
        return extended(sim, CLK_GATE, DELAY_DRIVE, SLEEP)

    # The pins ask for the opposite.
    cases = {
        mode: motorcomm("YT8511", {CLK_GATE: 0x8000 | (1 - rx), DELAY_DRIVE: 0x50A0, SLEEP: 0x0001})
        for mode, (rx, _) in delays.items()
    }
    for mode, seen in compare(shell, DRIVERS, cases, observe).items():
        rx, tx = delays[mode]
        expected = [0x8006 | rx | tx << 4, 0x00A0 | tx << 12, 0x4001]
        assert seen == [expected, expected], mode


@pytest.mark.expects("(No matching current value|is not one of the RGMII pins' currents)")
def test_drives_the_pins_as_strongly_as_the_device_tree_says(shell):
    # Chip_Config with the voltage, the currents of the clock and of the data, the register.
    cases = [
        (0x0020, 1200, 4350, 0x1FFF),
        (0x0030, 3600, 2100, 0xAFDF),
        (0x0000, 6140, 3070, 0xEFCF),
        # Nothing is known of this voltage, and 3.3 V have another table.
        (0x0010, 2910, 2910, None),
        (0x0000, 2910, 3070, None),
    ]

    def observe(sim, case):
        _, clock, data, _ = case
        sim.start(
            f"motorcomm,rx-clk-drv-microamp = <{clock}>;motorcomm,rx-data-drv-microamp = <{data}>;"
        )
        if case[3] is None:
            return sim.refusal("attach 0 rgmii-id")
        sim.attach("rgmii-id")
        return extended(sim, DRIVE)

    powered_up = {
        case: motorcomm("YT8531", {CHIP_CONFIG: case[0], DRIVE: 0xFFFF}) for case in cases
    }
    for case, seen in compare(shell, DRIVERS, powered_up, observe).items():
        assert seen == ["Invalid argument" if case[3] is None else [case[3]]] * 2, case
    shell.run_check("dmesg | grep -q 'rx-clk-drv-microamp.*2910 uA.*at 3.3 V'")


@pytest.mark.expects("(Freq err|clk-out-frequency-hz.* is not supported|failed with error -22)")
def test_gives_the_clock_that_the_device_tree_asks_for(shell):
    # In MHz. With 0 the other test of a set-up deals.
    expected = {
        ("YT8521", 25): 0x0F37,
        ("YT8521", 125): 0x0F39,
        ("YT8531", 25): 0x0FE9,
        ("YT8531", 125): 0x0FF1,
        ("YT8531", 50): None,
    }

    def observe(sim, case):
        sim.start(f"motorcomm,clk-out-frequency-hz = <{case[1]}000000>;")
        sim.attach("rgmii-id")
        # Who cannot give it does not serve.
        return sim.driver() if expected[case] is None else extended(sim, SYNCE)

    cases = {
        case: motorcomm(case[0], {SYNCE: 0x0F3F if case[0] == "YT8521" else 0x0FFF})
        for case in expected
    }
    for case, seen in compare(shell, DRIVERS, cases, observe).items():
        assert seen == [[expected[case]] if expected[case] else "Generic PHY"] * 2, case


@pytest.mark.expects('"phy-mode": not one that the chip has')
def test_refuses_other_interfaces(shell):
    def observe(sim, case):
        sim.start()
        return sim.refusal(f"attach 0 {case[1]}")

    cases = {
        (chip, mode): motorcomm(chip)
        for chip, mode in (("YT8511", "sgmii"), ("YT8521", "gmii"), ("YT8531", "sgmii"))
    }
    for case, seen in compare(shell, DRIVERS, cases, observe).items():
        assert seen == ["Operation not supported"] * 2, case
    told = shell.run_check("dmesg | tail -n 50 | grep -c 'phy-mode.: not one that the chip has'")
    assert told == [str(len(cases))]


@pytest.mark.expects("(the pins ask for fiber|failed with error -95|phy_poll_reset failed: -110)")
def test_refuses_what_the_c_driver_does_not(shell):
    def observe(sim, case):
        sim.start()
        if case == "fiber":
            sim.attach("rgmii-id")
            return sim.driver()
        return sim.refusal("attach 0 rgmii-id")

    cases = {
        "fiber": motorcomm("YT8521", {CHIP_CONFIG: 0x8002}),
        "a reset that never ends": [*motorcomm("YT8521"), f"selfclear 0 0 0 {0x0200}"],
    }
    seen = compare(shell, DRIVERS[1:], cases, observe)
    assert seen == {"fiber": ["Generic PHY"], "a reset that never ends": ["Connection timed out"]}


def test_speeds_and_duplex_modes(shell):
    def observe(sim, case):
        chip, mode = case
        sim.start()
        sim.attach(mode)
        seen = []
        for status, partner in LINKS if chip == "YT8521" else LINKS[:2]:
            up(sim, status, partner)
            seen.append(sim.settings())
            down(sim)
        return seen, sim.get(BMCR), extended(sim, SLEEP)

    cases = {
        (chip, mode): motorcomm(chip, {SLEEP: 0xA002})
        for chip, mode in (("YT8511", "rgmii-id"), ("YT8521", "sgmii"), ("YT8531", "rgmii-id"))
    }
    for (chip, _), (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, chip
        reports, bmcr, sleep = seen
        speeds = [(report["Speed"], report["Duplex"]) for report in reports]
        assert speeds == SPEEDS[: len(reports)], chip
        assert bmcr & PDOWN, chip
        # A YT8521 does not go to sleep by itself once it woke up; a YT8511 leaves its PLL on.
        assert sleep == [{"YT8511": 0xE002, "YT8521": 0x2002, "YT8531": 0xA002}[chip]], chip


def set_mode(sim, arguments):
    """What ethtool says; with a network device that is up phylib then works in the background."""
    transfers = "/sys/class/net/$netdev/phydev/../statistics/transfers"
    sim.do(f"before=$(cat {transfers})")
    result = sim.ethtool(f"-s $netdev {arguments}")
    sim.do(f"while [ $(cat {transfers}) = $before ]; do usleep 20000; done")
    sim.settle()
    return result


def test_forced_modes_with_a_link_and_without(shell):
    def observe(sim, chip):
        sim.start()
        sim.attach("rgmii-id")
        up(sim, 0x6C00, 0x45E1)
        seen = []
        for arguments in (
            "autoneg off speed 100 duplex full",
            "autoneg off speed 10 duplex half",
            "autoneg on advertise 0x00f",
        ):
            result = set_mode(sim, arguments)
            seen.append((result, sim.registers((0, BMCR), (0, 4), (0, 9))))
        if chip == "YT8531":
            return seen, None, None
        # The chip's own status has no link, while BMSR goes on to tell of one.
        sim.set(SPECIFIC_STATUS, 0x6800)
        sim.wait_for_carrier(0)
        settings = sim.settings()
        # What is forced on a PHY without a link is still forced when it is up again.
        sim.do("ethtool -s $netdev autoneg off speed 100 duplex full")
        down(sim)
        sim.set(BMCR, 0)
        up(sim, 0x6C00, 0x45E1)
        return seen, settings, sim.get(BMCR)

    cases = {chip: motorcomm(chip) for chip in ("YT8521", "YT8531")}
    by_chip = compare(shell, DRIVERS, cases, observe)
    for chip, (c_seen, seen) in by_chip.items():
        assert seen[:2] == c_seen[:2], chip
        assert [registers[0] for _, registers in seen[0][:2]] == [0x2100, 0x0000], chip
        assert seen[0][2][1][0] & 0x1000, chip
    (*_, c_forced), (_, settings, forced) = by_chip["YT8521"]
    assert (settings["Speed"], settings["Link detected"]) == ("Unknown!", "no")
    # The C driver takes the speed of no link for the one to force.
    assert (c_forced, forced) == (0x0000, 0x2100)


def test_magic_packets_wake_the_system(shell):
    def observe(sim, chip):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        seen = []
        for option in ("g", "d", "g"):
            result = sim.ethtool(f"-s $netdev wol {option}")
            values = extended(sim, WOL_CONFIG, *WOL_ADDRESS)
            seen.append((result, sim.settings(), values, sim.get(INTERRUPT_ENABLE)))
        # A PHY that waits for packets stays awake.
        sim.down()
        awake = sim.get(BMCR)
        sim.do("ethtool -s $netdev wol d")
        sim.up()
        sim.down()
        return seen, awake, sim.get(BMCR)

    cases = {chip: motorcomm(chip, {WOL_CONFIG: 0x0002}) for chip in ("YT8521", "YT8531")}
    for chip, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, chip
        steps, bmcr_on, bmcr_off = seen
        assert all(settings["Supports Wake-on"] == "g" for _, settings, *_ in steps), chip
        address = [0x025E, 0x1122, 0x3300]
        on, off = [0x004F, *address], [0x0007, *address]
        expected = [("g", on, 0x0040), ("d", off, 0), ("g", on, 0x0040)]
        assert [(settings["Wake-on"], *more) for _, settings, *more in steps] == expected, chip
        assert (bmcr_on & PDOWN, bmcr_off & PDOWN) == (0, PDOWN), chip


def test_adjusts_the_transmit_clock(shell):
    properties = "motorcomm,tx-clk-10-inverted; motorcomm,tx-clk-1000-inverted;"
    links = {1000: LINKS[0], 100: LINKS[1], 10: LINKS[3]}

    def observe(sim, enabled):
        sim.start(properties + ("motorcomm,tx-clk-adj-enabled;" if enabled else ""))
        sim.attach("rgmii-id")
        seen = {}
        for speed, (status, partner) in links.items():
            up(sim, status, partner)
            # Taking the PHY's lock, this waits until the driver was told.
            settings = sim.settings()
            seen[speed] = settings, extended(sim, RGMII_CONFIG1)
            down(sim)
        return seen

    cases = dict.fromkeys((True, False), motorcomm("YT8531"))
    for enabled, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, enabled
        assert all(seen[speed][0]["Speed"] == f"{speed}Mb/s" for speed in links), enabled
        inverted = [seen[speed][1][0] & 0x4000 != 0 for speed in links]
        assert inverted == [enabled, False, enabled]


def test_leds_show_what_the_trigger_asks_for(shell):
    # Each step, and what LED 1's register is after it.
    steps = [
        ("half_duplex:0", 0x3610),
        ("tx:0", 0x3210),
        ("link_1000:1", 0x3250),
        ("rx:0", 0x1050),
        ("tx:1", 0x3450),
        ("full_duplex:0", 0x2450),
        ("link_10:0", 0x2440),
        ("link_100:1", 0x2460),
        ("link_1000:0", 0x2420),
        ("link_100:0", 0x2400),
        ("tx:0", 0x0000),
        ("link:1", 0x0070),
    ]
    places = [(reg, EXT_DATA) for reg in LED_CONFIG]

    def observe(sim, _chip):
        sim.start(led_nodes(range(3)))
        sim.attach("rgmii-id")
        return watch_led(sim, 1, places, [step for step, _ in steps])

    # Who blinks for both directions need not say which; the trigger writes what it read.
    power_up = dict(zip(LED_CONFIG, (0x1234, 0x3810, 0x5678), strict=True))
    cases = {chip: motorcomm(chip, power_up) for chip in ("YT8521", "YT8531")}
    # C reads what an LED shows without the bus's lock, as a kernel with lockdep says in its log.
    drivers = DRIVERS[1:] if "CONFIG_PROVE_LOCKING" in fragments() else DRIVERS
    for chip, (*c_seen, seen) in compare(shell, drivers, cases, observe).items():
        assert c_seen == [seen] * (len(drivers) - 1), chip
        assert seen[0][0] == ["link_10", "half_duplex", "full_duplex", "tx", "rx"], chip
        assert all(offloaded for _, offloaded, _ in seen), chip
        expected = [[0x1234, value, 0x5678] for value in (0x3E10, *(after for _, after in steps))]
        assert [values for *_, values in seen] == expected, chip
