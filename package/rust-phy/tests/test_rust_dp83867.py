# SPDX-License-Identifier: GPL-2.0
"""rust_dp83867 and the C driver on one simulated DP83867: user space must see no difference."""

from operator import itemgetter

import pytest
from ironroot.phy import BMCR, LPA, NO_SYSFS_NODE, STAT1000
from ironroot.phy_chips import GIGABIT_BMSR, dp83867
from ironroot.phy_script import both, compare, writes

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
DRIVERS = ("dp83867", "rust_dp83867")
PHYCR, PHYSTS, MICR, ISR, CFG2, CFG3 = 16, 17, 18, 19, 20, 30
LINK_STATUS_CHANGED = 1 << 10
EXTENDED = 31
FLD_THR_CFG, CFG4, RGMIICTL, STRAP_STS2, RGMIIDCTL = 0x2E, 0x31, 0x32, 0x6F, 0x86
SGMIICTL1, RXFCFG, RXFPMD1, RXFSOP1, SGMII_10M_CFG, IO_MUX_CFG = (
    0xD3,
    0x134,
    0x136,
    0x139,
    0x16F,
    0x170,
)
POWER_UP = dp83867()
DELAYS = {"rgmii": 0, "rgmii-id": 3, "rgmii-rxid": 1, "rgmii-txid": 2}
LINKS = [
    (0x45E1, 0xAF00, "1000Mb/s", "Full", "on"),
    (0x45E1, 0x6C00, "100Mb/s", "Full", "off"),
    (0x4081, 0x4D00, "100Mb/s", "Half", "Unknown"),
    (0x4061, 0x2F00, "10Mb/s", "Full", "on"),
    (0x4021, 0x0C00, "10Mb/s", "Half", "off"),
]


def link(sim, up, partner=0, status=0):
    """The link came or went, and the PHY says so."""
    registers = {LPA: partner, STAT1000: 0x3C00 if status & 0x8000 else 0, PHYSTS: status}
    sim.link(up, GIGABIT_BMSR, registers, (ISR, LINK_STATUS_CHANGED))


def extended(sim, *registers):
    """Values of extended registers."""
    return sim.mmd(EXTENDED, registers)


# What the device tree asks for, and what then stands where.
BOARDS = {
    "": {RGMIIDCTL: 0x77, IO_MUX_CFG: 0x0C0F},
    "ti,rx-internal-delay = <10>; ti,tx-internal-delay = <0>;": {RGMIIDCTL: 0x0A},
    "ti,rx-internal-delay = <0>; ti,tx-internal-delay = <15>;": {RGMIIDCTL: 0xF0},
    "ti,clk-output-sel = <0x4>;": {IO_MUX_CFG: 0x040F},
    "ti,clk-output-sel = <0xffffffff>; ti,max-output-impedance;": {IO_MUX_CFG: 0x0C40},
    "ti,min-output-impedance; ti,clk-output-sel = <0>;": {IO_MUX_CFG: 0x001F},
    "ti,dp83867-rxctrl-strap-quirk;": {CFG4: 0x1030},
    "enet-phy-lane-swap;": {CFG4: 0x10B1},
    "enet-phy-lane-swap; enet-phy-lane-no-swap;": {CFG4: 0x10B0},
}


def test_is_set_up_for_its_mode_as_by_the_c_driver(shell):
    def observe(sim, mode):
        # The straps ask for the opposite delays; the other bits are not ours.
        sim.script(
            [
                f"mmd 0 {EXTENDED} {RGMIICTL} {0x50 | 3 - DELAYS.get(mode, 0)}",
                f"mmd 0 {EXTENDED} {SGMII_10M_CFG} {0x0095}",
            ]
        )
        sim.start()
        sim.attach(mode)
        log = sim.log()
        values = extended(sim, RGMIICTL, CFG4, SGMII_10M_CFG, SGMIICTL1)
        registers = sim.registers((0, PHYCR), (0, CFG2), (0, CFG3))
        return sim.driver(), registers, values, log.then(writes), log.then(len)

    cases = {mode: POWER_UP for mode in (*DELAYS, "gmii", "sgmii")}
    for mode, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust[:4] == by_c[:4], mode
        assert by_rust[4] <= by_c[4], mode
        name, registers, values, *_ = by_rust
        assert name == "TI DP83867"
        if mode in DELAYS:
            assert values == [0xD0 | DELAYS[mode], 0x10B0, 0x0095, 0], mode
        else:
            assert values[0] == 0x53, mode
        assert registers[0] & ~0x60 == (0x5808 if mode == "sgmii" else 0x5008), mode
        if mode == "sgmii":
            assert values[1:] == [0x1090, 0x0015, 0]
        # Speed optimization, the interrupt's pin and a robust auto-MDIX.
        assert registers[1] & 0x0300 == 0x0300, mode
        assert registers[2] == 0x0280, mode


def test_does_what_the_device_tree_asks_for(shell):
    def observe(sim, properties):
        sim.start(properties)
        sim.attach("rgmii-id")
        places = (RGMIIDCTL, IO_MUX_CFG, CFG4)
        values = extended(sim, *places).then(lambda values: dict(zip(places, values, strict=True)))
        return values, sim.get(PHYCR), sim.log().then(writes)

    cases = {properties: POWER_UP for properties in BOARDS}
    for properties, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust == by_c, properties
        values, phycr, _ = by_rust
        assert {place: values[place] for place in BOARDS[properties]} == BOARDS[properties]
        assert phycr >> 12 == 0x5, properties


def test_fifos_are_as_deep_as_the_device_tree_says(shell):
    fifos = {
        ("rgmii-id", "ti,fifo-depth = <3>; tx-fifo-depth = <0>; rx-fifo-depth = <3>;"): 0xD,
        ("rgmii-id", "tx-fifo-depth = <2>;"): 0x9,
        ("sgmii", "tx-fifo-depth = <0>; rx-fifo-depth = <2>;"): 0x2,
    }

    def observe(sim, case):
        mode, properties = case
        sim.start(properties + "ti,sgmii-ref-clock-output-enable; ti,dp83867-rxctrl-strap-quirk;")
        sim.attach(mode)
        return sim.get(PHYCR).then(lambda phycr: phycr >> 12), extended(sim, SGMIICTL1, CFG4)

    for case, seen in compare(shell, DRIVERS, dict.fromkeys(fifos, POWER_UP), observe).items():
        # With SGMII six wires, and both halves of the quirk.
        others = [0x4000, 0x1110] if case[0] == "sgmii" else [0, 0x1030]
        assert seen == [(fifos[case], others)] * 2, case


def test_a_strap_for_fast_link_drop_gets_its_threshold_back(shell):
    def observe(sim):
        sim.script(
            [f"mmd 0 {EXTENDED} {STRAP_STS2} {0x0400}", f"mmd 0 {EXTENDED} {FLD_THR_CFG} {0x222}"]
        )
        sim.start()
        sim.attach("rgmii-id")
        return extended(sim, FLD_THR_CFG)

    assert both(shell, DRIVERS, POWER_UP, observe) == [[0x221]] * 2


@pytest.mark.expects("out of range")
@pytest.mark.expects("probe with driver TI DP83867 failed with error -22")
def test_refuses_what_the_chip_cannot(shell):
    wrong = {
        "ti,rx-internal-delay": 16,
        "ti,tx-internal-delay": 16,
        "ti,clk-output-sel": 13,
        "ti,fifo-depth": 4,
        "rx-fifo-depth": 4,
    }

    def observe(sim, name):
        sim.start(f"{name} = <{wrong[name]}>;")
        # Nobody is bound: the PHY gets the generic driver.
        sim.attach("rgmii-id")
        return sim.driver()

    seen = compare(shell, DRIVERS, dict.fromkeys(wrong, POWER_UP), observe)
    assert seen == dict.fromkeys(wrong, ["Generic PHY"] * 2)
    log = "\n".join(shell.run_check("dmesg | grep 'is out of range' | tail -n 5"))
    for name, value in wrong.items():
        assert f'"{name}": value {value} is out of range' in log


@pytest.mark.expects('"io_impedance_ctrl" is not supported: impedance left alone')
def test_leaves_an_impedance_in_a_memory_alone(shell):
    def observe(sim):
        sim.start('nvmem-cell-names = "io_impedance_ctrl"; ti,min-output-impedance;')
        sim.attach("rgmii-id")
        return extended(sim, IO_MUX_CFG)

    assert both(shell, DRIVERS[1:], POWER_UP, observe) == [[0x0C0F]]
    shell.run_check("dmesg | grep -q 'io_impedance_ctrl.* is not supported'")


def test_link_comes_and_goes_by_interrupt(shell):
    def observe(sim, mode):
        sim.start()
        sim.attach(mode)
        sim.up()
        seen = []
        for partner, status, *_ in LINKS:
            link(sim, True, partner, status)
            seen.append(sim.settings().then(itemgetter("Speed", "Duplex", "MDI-X")))
            link(sim, False)
        sim.settle()
        sim.log()
        sim.down()
        return seen, sim.log().then(writes), sim.get(BMCR), sim.get(MICR)

    cases = {mode: POWER_UP for mode in ("rgmii-id", "sgmii")}
    for mode, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, mode
        reports, _, bmcr, micr = seen
        reports = [(speed, duplex, mdix.split(" ")[0]) for speed, duplex, mdix in reports]
        assert reports == [expected[2:] for expected in LINKS], mode
        assert (bmcr & 0x0800, micr) == (0x0800, 0), mode


def test_sgmii_is_negotiated_anew_when_the_link_changes(shell):
    def observe(sim):
        sim.start()
        sim.attach("sgmii")
        sim.up()
        link(sim, True, 0x45E1, 0xAF00)
        link(sim, False)
        sim.settle()
        sim.log()
        link(sim, True, 0x45E1, 0xAF00)
        sim.settle()
        return sim.log().then(lambda log: [value for _, reg, value in writes(log) if reg == CFG2])

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    assert [value & 0x80 for value in seen] == [0, 0x80]


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
            seen.append((result, sim.registers((0, BMCR), (0, PHYCR))))
        return seen

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    assert [status for (_, status), _ in seen] == [0] * 6
    assert [phycr & 0x60 for _, (_, phycr) in seen] == [0x60, 0x20, 0x00, 0x60, 0x60, 0x60]
    assert seen[0][1][0] == 0x2100


@pytest.mark.expects("Downshift count must be 1, 2, 4 or 8")
def test_downshift(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        seen = []
        for setting in ("on", "on count 8", "off", "on count 1", "on count 3", "on count 9"):
            result = sim.ethtool(f"--set-phy-tunable $netdev downshift {setting}")
            value = sim.ethtool("--get-phy-tunable $netdev downshift")
            seen.append((result, value, sim.get(CFG2)))
        return seen

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    assert [value & 0x0F00 for *_, value in seen] == [0x0B00, 0x0F00, 0x0C00, 0x0300, 0x300, 0x300]
    assert [result[1] != 0 for result, *_ in seen] == [True, False, False, False, True, True]


def test_wakes_on_lan(shell):
    keys = ("Supports Wake-on", "Wake-on", "SecureOn password")

    def wake_on(settings):
        return [settings.get(key) for key in keys]

    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        seen = []
        password = "s sopass 01:23:45:67:89:ab"
        for options in ("g", "u", "b", password, "d", "gub", "d"):
            result = sim.ethtool(f"-s $netdev wol {options}")
            values = extended(sim, RXFCFG, *(RXFPMD1 + i for i in range(3)))
            words = extended(sim, *(RXFSOP1 + i for i in range(3)))
            seen.append((result, sim.settings().then(wake_on), values, words, sim.get(MICR)))
        return seen

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    assert [status for (_, status), *_ in seen] == [0] * 7
    assert seen[0][1][:2] == ["ubgs", "g"]
    # The address that the simulation gives its devices.
    assert seen[0][2:4] == ([0x81, 0x5E02, 0x2211, 0x0033], [0, 0, 0])
    assert seen[3][1][1:] == ["s", "01:23:45:67:89:ab"]
    assert seen[3][3] == [0x2301, 0x6745, 0xAB89]
    assert [micr & 0x8 for *_, micr in seen] == [8, 8, 8, 8, 0, 8, 0]
