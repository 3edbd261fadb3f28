# SPDX-License-Identifier: GPL-2.0
"""rust_smsc and the C driver on the same simulated PHYs: user space must see no difference."""

import pytest
from ironroot.phy import BMCR, LPA, NO_SYSFS_NODE, netlink
from ironroot.phy_chips import (
    ENERGYON,
    INTERRUPT_SOURCE,
    MODE_CONTROL_STATUS,
    SMSC,
    SPECIAL_MODES,
    smsc,
)
from ironroot.phy_script import both, compare, writes

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
DRIVERS = ("smsc", "rust_smsc")
SPECIAL_CONTROL_STATUS, INTERRUPT_MASK = 27, 30
EDPWRDOWN = 0x2000
INT_ANEG_COMPLETE, INT_LINK_DOWN = 0x0040, 0x0010
PCS = 3


def link_up(sim, partner):
    """The partner is there, and the PHY says so."""
    sim.link(True, 0x7809, {LPA: partner}, (INTERRUPT_SOURCE, INT_ANEG_COMPLETE))


def link_down(sim):
    """The cable was pulled, and the PHY says so."""
    sim.link(False, 0x7809, {}, (INTERRUPT_SOURCE, INT_LINK_DOWN))


def test_every_chip_is_set_up_as_by_the_c_driver(shell):
    def observe(sim, chip):
        sim.start()
        sim.attach("rmii")
        log = sim.log()
        return sim.driver(), log.then(writes), log.then(len)

    cases = {chip: smsc(chip) for chip in SMSC}
    seen = compare(shell, DRIVERS, cases, observe)
    for chip, ((c_name, c_written, c_count), (name, written, count)) in seen.items():
        assert name == c_name, chip
        assert written == c_written, chip
        assert count <= c_count, chip
    names = [name for _, (name, *_) in seen.values()]
    assert names[0] == "SMSC LAN83C185"
    assert len(set(names)) == 7, names


def test_link_comes_and_goes_by_interrupt(shell):
    def observe(sim):
        sim.start()
        sim.attach("rmii")
        sim.up()
        seen = [sim.get(INTERRUPT_MASK)]
        for partner in (0x45E1, 0x4081, 0x4061, 0x4021):
            link_up(sim, partner)
            seen.append(sim.settings().then(lambda link: (link["Speed"], link["Duplex"])))
            link_down(sim)
        sim.down()
        return [*seen, sim.get(BMCR).then(lambda bmcr: bmcr & 0x0800)]

    expected = [
        0x00D0,
        ("100Mb/s", "Full"),
        ("100Mb/s", "Half"),
        ("10Mb/s", "Full"),
        ("10Mb/s", "Half"),
        0x0800,
    ]
    assert both(shell, DRIVERS, smsc("LAN8742"), observe) == [expected] * 2


def test_forced_modes_and_crossover(shell):
    def observe(sim):
        sim.start()
        # Not up: phylib then configures the PHY at once, not in the background.
        sim.attach("rmii")
        seen = []
        for arguments in (
            "autoneg on",
            "autoneg off speed 100 duplex full",
            "mdix on",
            "autoneg off speed 10 duplex half",
            "mdix off",
            "autoneg on",
            "mdix auto",
        ):
            result = sim.ethtool(f"-s $netdev {arguments}")
            seen.append((result, sim.registers((0, BMCR), (0, SPECIAL_CONTROL_STATUS))))
        return seen

    c_seen, seen = both(shell, DRIVERS, smsc("LAN8700"), observe)
    assert seen == c_seen
    assert seen[0][1][1] == 0xC000
    assert seen[1][1] == [0x2100, 0x8000]
    assert seen[2][1][1] == 0xA000


@netlink
def test_wakes_on_lan(shell):
    def observe(sim):
        sim.start()
        sim.attach("rmii")
        sim.up()
        seen = []
        for options in ("g", "u", "b", "a", "m", "am", "gub", "d"):
            result = sim.ethtool(f"-s $netdev wol {options}")
            # What a refusal says is ethtool's affair.
            refused = result.then(lambda answer: (answer[1], bool(answer[0])))
            report = sim.wakeup()
            registers = sim.mmd(PCS, [*range(0x8010, 0x8013), *range(0x8021, 0x8029)])
            address = sim.mmd(PCS, range(0x8061, 0x8065))
            seen.append((refused, report, registers, address))
        return seen

    c_seen, seen = both(shell, DRIVERS, smsc("LAN8742"), observe)
    assert seen == c_seen
    assert [status != 0 for (status, _), *_ in seen] == [i == 5 for i in range(8)]
    # Magic packets alone, for the address that the simulation gives its devices.
    assert seen[0][2][0] == 0x1202
    assert seen[0][3][:3] == [0x0033, 0x2211, 0x5E02]
    assert seen[0][1] == ["Supports Wake-on: umbag", "Wake-on: g"]


def test_energy_detect_power_down(shell):
    def observe(sim):
        sim.start("smsc,disable-energy-detect;")
        sim.attach("rmii")
        sim.up()
        seen = [sim.get(MODE_CONTROL_STATUS)]
        for setting in ("off", "on", "on msecs 1200", "on msecs 0"):
            result = sim.ethtool(f"--set-phy-tunable $netdev energy-detect-power-down {setting}")
            value = sim.ethtool("--get-phy-tunable $netdev energy-detect-power-down")
            seen.append((result, value, sim.get(MODE_CONTROL_STATUS)))
        return seen

    c_seen, seen = both(shell, DRIVERS, smsc("LAN8710"), observe)
    assert seen == c_seen
    assert seen[0] == ENERGYON
    # Without pulses it works beside an interrupt too.
    assert seen[4][2] == ENERGYON | EDPWRDOWN


def test_counts_symbol_errors(shell):
    def observe(sim):
        sim.start()
        sim.attach("rmii")
        return sim.ethtool("--phy-statistics $netdev")

    c_seen, seen = both(shell, DRIVERS, smsc("LAN8740"), observe)
    assert seen == c_seen
    assert "phy_symbol_errors: 7" in seen[0]


def test_wakes_a_phy_that_is_strapped_to_power_down(shell):
    def observe(sim):
        sim.start()
        sim.attach("rmii")
        return sim.get(SPECIAL_MODES)

    assert both(shell, DRIVERS, smsc("LAN8710", special_modes=0x00C1), observe) == [0x00E1] * 2
