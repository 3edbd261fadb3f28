# SPDX-License-Identifier: GPL-2.0
"""rust_mscc and the C driver on the same simulated PHYs: user space must see no difference."""

import pytest
from ironroot.phy import BMCR, LPA, NO_SYSFS_NODE, STAT1000
from ironroot.phy_chips import GIGABIT_BMSR, INT_MASK, INT_STATUS, MSCC, mscc
from ironroot.phy_leds import led_nodes, switch_led, watch_led
from ironroot.phy_script import both, compare

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
DRIVERS = ("mscc", "rust_mscc")
BYPASS, BROADCAST, INTERFACE, AUX, LED_MODE, LED_BEHAVIOR = 18, 22, 23, 28, 29, 30
PAGE = 31
# Of BMCR.
PDOWN, RESTART = 0x0800, 0x0200
# Registers with their pages.
EXT_MODE, ACTIPHY, RGMII, WOL_MAC = (1, 19), (1, 20), (2, 20), (2, 27)
WOL_ADDRESS = ((2, 21), (2, 22), (2, 23))
TEST, TOKEN_RING = 0x2A30, 0x52B5


def power_up(chip="VSC8541", values=None):
    """A PHY whose registers say what the driver does not want; `values` is besides that."""
    values = {
        (0, BYPASS): 0x0000,
        (0, INTERFACE): 0x1804,
        (0, LED_MODE): 0xABFF,
        (1, 20): 0xFFE3,
        (2, 20): 0x0855,
        (2, 27): 0x001F,
        (TEST, 5): 0xF1FF,
    } | (values or {})
    return [
        *mscc(chip),
        *(f"reg 0 {page} {register} {value}" for (page, register), value in values.items()),
    ]


def link(sim, up, partner=0, gigabit=False):
    """The link came or went, and the PHY says so."""
    registers = {LPA: partner, STAT1000: 0x3C00 if gigabit else 0}
    sim.link(up, GIGABIT_BMSR, registers, (INT_STATUS, 0xA000))


def test_every_chip_is_set_up_as_by_the_c_driver(shell):
    places = [(0, BROADCAST), (0, INTERFACE), (0, LED_MODE), RGMII, WOL_MAC]
    places += [(TEST, 24), (TEST, 5), (TEST, 8), (0, PAGE)]

    def observe(sim, chip):
        sim.start()
        sim.attach("rgmii-id")
        return sim.log(), sim.driver(), sim.registers(*places)

    seen = compare(shell, DRIVERS, {chip: power_up(chip) for chip in MSCC}, observe)
    for chip, ((c_log, *c_rest), (log, *rest)) in seen.items():
        assert rest == c_rest, chip
        assert len(log) <= len(c_log), chip
        # What tunes the receiver, in order.
        c_script, script = (
            [(reg, value) for write, reg, value in each if write and reg in (16, 17, 18)]
            for each in (c_log, log)
        )
        assert script == c_script, chip
        name, values = rest
        assert chip in name
        assert values == [1, 0x1004, 0xAB21, 0x0044, 0x00FF, 0x0400, 0xFFFF, 0x8000, 0], chip
        # 22 values of three writes each.
        assert len(script) == 66, chip


@pytest.mark.expects("is out of range|internal-delay-ps.: taking the default")
def test_delays_are_those_of_the_mode_and_the_device_tree(shell):
    # Mode, what the device tree says, the register.
    cases = [
        ("rgmii", "", 0x00),
        ("rgmii-rxid", "", 0x40),
        ("rgmii-txid", "", 0x04),
        ("rgmii", "rx-internal-delay-ps = <3400>; tx-internal-delay-ps = <200>;", 0x70),
        # The nearest, and what the chip cannot give is as if it were not there.
        ("rgmii-id", "rx-internal-delay-ps = <1000>; tx-internal-delay-ps = <5000>;", 0x24),
    ]

    def observe(sim, case):
        mode, properties, _ = case
        sim.start(properties)
        sim.attach(mode)
        return sim.get(*reversed(RGMII))

    for case, seen in compare(shell, DRIVERS, dict.fromkeys(cases, power_up()), observe).items():
        assert seen == [case[2]] * 2, case
    said = shell.run_check("dmesg | tail -n 50 | grep -o '..-internal-delay-ps.: taking the def'")
    assert said == ['tx-internal-delay-ps": taking the def']


@pytest.mark.expects('"phy-mode": not one that the chip has')
def test_interfaces(shell):
    expected = {"rmii": 0x0804, "gmii": 0x0004, "mii": 0x0004, "sgmii": None}

    def observe(sim, mode):
        sim.start()
        if expected[mode] is None:
            return sim.refusal(f"attach 0 {mode}")
        sim.attach(mode)
        # The delays are not for these.
        return sim.registers((0, INTERFACE), RGMII)

    for mode, seen in compare(shell, DRIVERS, dict.fromkeys(expected, power_up()), observe).items():
        value = expected[mode]
        assert seen == ["Invalid argument" if value is None else [value, 0x0055]] * 2, mode
    shell.run_check("dmesg | tail -n 50 | grep -q 'phy-mode.: not one that the chip has'")


@pytest.mark.expects("(vsc8531,edge-slowdown|vsc8531,led-0-mode|failed with error -22)")
def test_pins_and_leds_are_as_the_device_tree_says(shell):
    # Edge rate, in bits 7:5, and LED modes.
    cases = {
        "vsc8531,vddmac = <1800>; vsc8531,edge-slowdown = <76>;": (0x1F, 0xAB21),
        "vsc8531,edge-slowdown = <7>; vsc8531,led-0-mode = <0xd>;": (0x9F, 0xAB2D),
        "vsc8531,led-1-mode = <0>; vsc8531,led-0-mode = <15>;": (0xFF, 0xAB0F),
        # LEDs for the kernel's LED class: what the old properties say does not count.
        "vsc8531,led-1-mode = <0>; leds { };": (0xFF, 0xAB21),
        "vsc8531,vddmac = <1500>; vsc8531,edge-slowdown = <53>;": None,
        "vsc8531,vddmac = <1200>;": None,
        "vsc8531,led-0-mode = <7>;": None,
    }

    def observe(sim, properties):
        sim.start(properties)
        sim.attach("rgmii-id")
        if cases[properties] is None:
            return sim.driver()
        return sim.registers(WOL_MAC, (0, LED_MODE)).then(tuple)

    for properties, seen in compare(
        shell, DRIVERS, dict.fromkeys(cases, power_up()), observe
    ).items():
        # Who cannot do it does not serve.
        assert seen == [cases[properties] or "Generic PHY"] * 2, properties
    shell.run_check("dmesg | grep -q 'vsc8531,led-0-mode.*there is no mode 7'")


def test_link_comes_and_goes_by_interrupt(shell):
    links = [(0x45E1, True), (0x45E1, False), (0x4081, False), (0x4061, False), (0x4021, False)]

    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        seen = [sim.get(INT_MASK)]
        for i, (partner, gigabit) in enumerate(links):
            # The pairs are crossed over every other time.
            sim.set(AUX, 0x2000 * (i % 2))
            link(sim, True, partner, gigabit)
            seen.append(sim.settings())
            link(sim, False)
        sim.down()
        return [*seen, sim.get(BMCR)]

    c_seen, seen = both(shell, DRIVERS, power_up(), observe)
    # In which they differ on purpose.
    for settings in (*c_seen[1:-1], *seen[1:-1]):
        del settings["Supports Wake-on"]
    assert seen == c_seen
    mask, *reports, bmcr = seen
    assert (mask, bmcr & PDOWN) == (0xA020, PDOWN)
    assert [tuple(report[key] for key in ("Speed", "Duplex", "MDI-X")) for report in reports] == [
        ("1000Mb/s", "Full", "off (auto)"),
        ("100Mb/s", "Full", "on (auto)"),
        ("100Mb/s", "Half", "off (auto)"),
        ("10Mb/s", "Full", "on (auto)"),
        ("10Mb/s", "Half", "off (auto)"),
    ]


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
            seen.append((result, sim.registers((0, BYPASS), EXT_MODE, (0, BMCR)), sim.log()))
        return seen

    c_seen, seen = both(shell, DRIVERS, power_up(), observe)
    assert [step[:2] for step in seen] == [step[:2] for step in c_seen]
    assert [result[1] for result, *_ in seen] == [0] * 6
    # A link of before is no longer one.
    for steps in (c_seen, seen):
        for _, _, log in steps[1:4]:
            assert any(entry[:2] == (True, BMCR) and entry[2] & RESTART for entry in log)
    assert [values[:2] for _, values, _ in seen] == [
        [0, 0],
        [0xB0, 0xC],
        [0xB0, 0x8],
        [0, 0],
        [0, 0],
        [0, 0],
    ]
    assert seen[0][1][2] == 0x2100


@pytest.mark.expects("(Downshift count should be|a downshift comes after)")
def test_downshift(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        seen = []
        for setting in ("on", "on count 5", "on count 2", "off", "on count 6", "on count 1"):
            result = sim.ethtool(f"--set-phy-tunable $netdev downshift {setting}")
            value = sim.ethtool("--get-phy-tunable $netdev downshift")
            seen.append((result, value, sim.get(*reversed(ACTIPHY))))
        return seen

    c_seen, seen = both(shell, DRIVERS, power_up(), observe)
    assert seen == c_seen
    # Three by default.
    assert [register for *_, register in seen[:4]] == [0xFFF7, 0xFFFF, 0xFFF3, 0xFFE3]
    assert [result[1] != 0 for result, *_ in seen] == [False] * 4 + [True] * 2


def test_counters_add_up(shell):
    counters = [(0, 19), (0, 20), (0, 21), (1, 18), (1, 23)]

    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        seen = []
        for base in (0xFF00, 0xFFF0):
            # What is above the counters' bits does not count.
            sim.script(
                f"reg 0 {page} {register} {base + i}" for i, (page, register) in enumerate(counters)
            )
            seen.append(sim.ethtool("--phy-statistics $netdev"))
        return seen

    c_seen, seen = both(shell, DRIVERS, power_up(), observe)
    assert seen == c_seen
    values = [line.split(": ")[1] for line in seen[1][0] if line.startswith("phy_")]
    assert values == ["240", "242", "244", str(0x3F03 + 0x3FF3), "248"]


def test_magic_packets_raise_the_interrupt(shell):
    """The C driver does not say that it could, so that ethtool never asks it to."""

    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        seen = []
        for option in ("g", "d", "g"):
            sim.do(f"ethtool -s $netdev wol {option}")
            seen.append((sim.settings(), sim.registers(*WOL_ADDRESS), sim.get(INT_MASK)))
        secure_on = sim.get(*reversed(WOL_MAC))
        # While the interface is down only a packet raises the interrupt, and the PHY is awake.
        sim.script(["detach 0"])
        return seen, secure_on, sim.get(INT_MASK), sim.get(BMCR)

    values = {WOL_MAC: 0x8000, (2, 21): 0xFFFF}
    ((seen, secure_on, mask, bmcr),) = both(shell, DRIVERS[1:], power_up(values=values), observe)
    assert all(settings["Supports Wake-on"] == "g" for settings, *_ in seen)
    address = [0x3300, 0x1122, 0x025E]
    assert [(settings["Wake-on"], *more) for settings, *more in seen] == [
        ("g", address, 0xA060),
        ("d", [0, 0, 0], 0xA020),
        ("g", address, 0xA060),
    ]
    # No password.
    assert secure_on & 0x8000 == 0
    assert (mask, bmcr & PDOWN) == (0x8040, 0)


def test_leds_show_what_the_trigger_asks_for(shell):
    # Each step, and what LED mode select and LED behavior are after it.
    steps = [
        ("link:0", (0xAB2E, 0x40)),
        ("link_1000:1", (0xAB4E, 0x40)),
        ("tx:0", (0xAB4E, 0x40)),
        ("rx:0", (0xAB4E, 0x42)),
        ("link_100:0", (0xAB1E, 0x42)),
        ("link_10:1", (0xAB5E, 0x42)),
        ("link_1000:0", (0xAB3E, 0x42)),
        ("link_100:1", (0xAB6E, 0x42)),
        ("link_10:0", (0xAB2E, 0x42)),
        ("link_100:0", (0xABFE, 0x42)),
        ("tx:1", (0xABFE, 0x40)),
        ("link:1", (0xAB0E, 0x40)),
    ]
    places = [(0, LED_MODE), (0, LED_BEHAVIOR)]

    def observe(sim):
        sim.start(led_nodes(range(2)))
        sim.attach("rgmii-id")
        switched = switch_led(sim, 0, places[0])
        return switched, watch_led(sim, 1, places, [step for step, _ in steps])

    values = {(0, LED_BEHAVIOR): 0x40}
    c_seen, seen = both(shell, DRIVERS, power_up(values=values), observe)
    assert seen == c_seen
    switched, shown = seen
    assert switched == [0xAB2F, 0xAB2E]
    assert shown[0][0] == ["link", "link_100", "tx", "rx"]
    assert all(offloaded for _, offloaded, _ in shown)
    expected = [(0xAB2E, 0x40), *(after for _, after in steps)]
    assert [tuple(values) for *_, values in shown] == expected
