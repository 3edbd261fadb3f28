# SPDX-License-Identifier: GPL-2.0
"""rust_marvell and the C driver on one simulated 88E1111: user space must see no difference."""

import pytest
from ironroot.phy import (
    BMCR,
    LPA,
    NO_SYSFS_NODE,
    STAT1000,
    Sim,
    both,
    compare,
    loaded,
)
from ironroot.phy_chips import (
    EXT_ADDRESS,
    EXT_CONTROL,
    EXT_STATUS,
    GIGABIT_BMSR,
    INTERRUPT_STATUS,
    RECEIVE_ERRORS,
    m88e1111,
)

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
DRIVERS = ("marvell", "rust_marvell")
CONTROL, STATUS, VCT = 16, 17, 28
POWER_UP = m88e1111()
DELAYS = {"rgmii": 0x00, "rgmii-id": 0x82, "rgmii-rxid": 0x80, "rgmii-txid": 0x02}


def link(sim, up, partner=0, status=0):
    """The link came or went, and the PHY says so."""
    registers = {LPA: partner, STAT1000: 0x3C00 if status & 0x8000 else 0, STATUS: status}
    sim.link(up, GIGABIT_BMSR, registers, (INTERRUPT_STATUS, 0x0400))


def test_is_set_up_for_its_mode_as_by_the_c_driver(shell):
    def observe(sim, mode):
        sim.set(EXT_CONTROL, 0x0CE2 & ~DELAYS.get(mode, 0))
        sim.start("marvell,reg-init = <0 24 0xff00 0x11>, <3 16 0 0x1777>, <3 17 0xfff0 0x4>;")
        sim.attach(mode)
        log = sim.log()
        values = sim.registers(
            (0, EXT_CONTROL), (0, EXT_STATUS), (0, 24), (3, 16), (3, 17), (0, EXT_ADDRESS)
        )
        return sim.driver(), values, [entry for entry in log if entry[0]], len(log)

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
    with loaded(shell, "rust_marvell"):
        sim = Sim(shell)
        sim.script(["reset", "phy 0", *POWER_UP])
        sim.start("marvell,reg-init = <0 24 0 0x11>, <3 40 0 0>;")
        assert sim.refusal("attach 0 rgmii") == "Invalid argument"
        shell.run_check("dmesg | grep -q 'reg-init.*no register 40'")
        # Nothing of the property was applied.
        assert sim.get(24) == 0


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
            settings = sim.settings()
            seen.append((settings["Speed"], settings["Duplex"], settings["MDI-X"]))
            link(sim, False)
        sim.down()
        return seen, sim.get(BMCR) & 0x0800

    cases = {mode: POWER_UP for mode in ("rgmii-id", "sgmii")}
    for mode, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, mode
        reports, powered_down = seen
        assert [report[:2] for report in reports] == [
            ("1000Mb/s", "Full"),
            ("100Mb/s", "Full"),
            ("100Mb/s", "Half"),
            ("10Mb/s", "Full"),
            ("10Mb/s", "Half"),
        ], mode
        assert reports[0][2].startswith("on"), mode
        assert reports[1][2].startswith("off"), mode
        assert powered_down == 0x0800, mode


def test_forced_modes_and_crossover(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        seen = []
        for arguments in (
            "autoneg off speed 100 duplex full",
            "mdix on",
            "mdix off",
            "mdix auto",
            "autoneg off speed 10 duplex half",
            "autoneg on",
        ):
            output, status = sim.ethtool(f"-s {{}} {arguments}")
            seen.append((output, status, *sim.registers((0, BMCR), (0, CONTROL))))
        return seen

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    assert [entry[1] for entry in seen] == [0] * 6
    assert [entry[3] & 0x60 for entry in seen] == [0x60, 0x20, 0x00, 0x60, 0x60, 0x60]
    assert seen[0][2] == 0x2100


def test_downshift(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        seen = []
        for setting in ("on", "on count 8", "off", "on count 9"):
            result = sim.ethtool(f"--set-phy-tunable {{}} downshift {setting}")
            value = sim.ethtool("--get-phy-tunable {} downshift")
            seen.append((result, value, sim.get(EXT_CONTROL)))
        return seen

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    assert seen[1][2] & 0x0F00 == 0x0F00
    assert seen[2][2] & 0x0100 == 0
    assert seen[3][0][1] != 0


def test_counters_add_up(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        seen = []
        for errors in (5, 0xFFFF):
            sim.set(RECEIVE_ERRORS, errors)
            sim.set(10, 0x3C03)
            seen.append(sim.ethtool("--phy-statistics {}"))
        return seen

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    assert "phy_receive_errors_copper: 65540" in seen[1][0]
    assert "phy_idle_errors: 6" in seen[1][0]


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
        lines, status = sim.ethtool("--cable-test {}")
        # ethtool may or may not see the test start before it is over.
        return [line for line in lines if line.startswith("Pair")], status

    c_seen, seen = both(shell, DRIVERS, POWER_UP, observe)
    assert seen == c_seen
    text = " ".join(seen[0])
    assert "Pair A code OK" in text
    assert "Pair B code Open Circuit" in text
    assert "Pair B, fault length: 51.42m" in text
    assert "Pair C code Short within Pair" in text
