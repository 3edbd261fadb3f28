# SPDX-License-Identifier: GPL-2.0
"""rust_broadcom and the C driver on the same simulated PHYs: user space must see no difference."""

import pytest
from ironroot.phy import (
    BMCR,
    BMSR,
    BMSR_ANEG_COMPLETE,
    BMSR_LINK,
    LPA,
    NO_SYSFS_NODE,
    STAT1000,
    netlink,
)
from ironroot.phy_chips import (
    AUX_CTL,
    BROADCOM,
    EXP_DATA,
    GIGABIT_BMSR,
    ISR,
    SHD,
    WIRED,
    broadcom,
)
from ironroot.phy_script import both, compare, writes

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
DRIVERS = ("broadcom", "rust_broadcom")
ECR, IMR = 16, 27
ECR_INTERRUPT_MASK = 0x1000
MULTICOLOR, LED_CTL, MAIN_CTL, DATA1, DATA2, MASK, INT_MASK, INT_STATUS = (
    0xF04,
    0xD0C,
    0xE80,
    0xE84,
    0xE87,
    0xE8B,
    0xE93,
    0xE94,
)
LPI_COUNT = (7, 0x803F)
DELAYS = {"rgmii": (0, 0), "rgmii-id": (1, 1), "rgmii-rxid": (1, 0), "rgmii-txid": (0, 1)}


def link(sim, up, partner=0, gigabit=False):
    """The link came or went, and the PHY says so."""
    registers = {LPA: partner, STAT1000: 0x3C00 if gigabit else 0}
    sim.link(up, GIGABIT_BMSR, registers, (ISR, 1 << 1))


def expansion(sim, *registers):
    """Values of expansion registers."""
    return sim.registers(*((register, EXP_DATA) for register in registers))


def unwired(chip):
    """A PHY without an interrupt."""
    return [line for line in broadcom(chip) if line != WIRED]


def interrupt_wakes(sim):
    """Whether the PHY's interrupt wakes the system; the network device is up."""
    # phylib names the interrupt after the bus and the address.
    command = 'cat $(dirname $(grep -l "phy-sim.*:00" /sys/kernel/irq/*/actions))/wakeup'
    return sim.answer(command, lambda lines, _: lines[0])


def written(log, register):
    """What was written to a register."""
    return [value for write, reg, value in log if write and reg == register]


def test_is_set_up_for_its_mode_as_by_the_c_driver(shell):
    def observe(sim, case):
        _, mode, *_ = case
        # What the firmware left is kept, or not.
        sim.set(ECR, 0x0001)
        sim.start()
        sim.attach(mode)
        log = sim.log()
        values = sim.registers((0, ECR), (0, IMR)), expansion(sim, MULTICOLOR)
        return sim.driver(), log.then(writes), values, log.then(len)

    # Whatever the mode asks for, the opposite is there already.
    presets = {
        ("BCM54213PE", mode): (0x71E7 & ~(rx << 8), 0x0221 & ~(tx << 9))
        for mode, (rx, tx) in DELAYS.items()
    }
    presets["BCM54210E", "gmii"] = (0x71E7, 0x0002)
    cases = {(*case, *preset): broadcom(case[0], *preset) for case, preset in presets.items()}
    for case, (by_c, by_rust) in compare(shell, DRIVERS, cases, observe).items():
        assert by_rust[:3] == by_c[:3], case
        assert by_rust[3] <= by_c[3], case
        name, log, values, _ = by_rust
        _, mode, aux_ctl, shadow = case
        # The mainline driver gives both chips this name.
        assert name == "Broadcom BCM54210E"
        # The network device that is attached wants interrupts.
        assert values == ([1, 0xFFF1], [0x0100]), case
        if mode in DELAYS:
            rx, tx = DELAYS[mode]
            misc = aux_ctl & ~0x0100 | 0x8007 | rx << 8
            clk_ctl = shadow & ~0x0200 | tx << 9
        else:
            misc, clk_ctl = aux_ctl | 0x8007, shadow
        # phylib lets it be set up twice: before the PHY is resumed, and by resuming it.
        assert written(log, AUX_CTL) == 2 * [0x7007, misc, 0x0C00, 0x0400], case
        assert 0x8000 | 0x03 << 10 | clk_ctl in written(log, SHD), case
        # Auto power-down is off, and with it what would stop for it.
        assert (0x8000 | 0x0A << 10 | shadow & ~0x20 in written(log, SHD)) == (shadow & 0x20 != 0)
        assert 0x8000 | 0x0D << 10 | 0xAA in written(log, SHD), case


def test_link_comes_and_goes_by_interrupt(shell):
    links = [
        (0x45E1, True, "1000Mb/s", "Full"),
        (0x45E1, False, "100Mb/s", "Full"),
        (0x4081, False, "100Mb/s", "Half"),
        (0x4061, False, "10Mb/s", "Full"),
        (0x4021, False, "10Mb/s", "Half"),
    ]

    def observe(sim):
        sim.start()
        sim.attach("rgmii-rxid")
        sim.up()
        ecr = sim.get(ECR)
        seen = []
        for partner, gigabit, *_ in links:
            link(sim, True, partner, gigabit)
            seen.append(sim.settings().then(lambda link: (link["Speed"], link["Duplex"])))
            link(sim, False)
        return ecr, seen

    (_, c_seen), (ecr, seen) = both(shell, DRIVERS, broadcom("BCM54213PE"), observe)
    assert seen == c_seen
    assert seen == [(speed, duplex) for *_, speed, duplex in links]
    # In C interrupts are masked since the PHY was resumed, which a simulated one does not mind.
    assert ecr & ECR_INTERRUPT_MASK == 0


def test_goes_down_and_comes_up_again(shell):
    def observe(sim, chip):
        sim.start()
        sim.attach("rgmii-id")
        # With a carrier phylib is done with what it does in the background.
        sim.set(LPA, 0x45E1)
        sim.set(BMSR, GIGABIT_BMSR | BMSR_LINK | BMSR_ANEG_COMPLETE)
        sim.up()
        sim.wait_for_carrier(1)
        sim.settle()
        sim.log()
        sim.down()
        # phylib may suspend a PHY that it polls twice at the same time: phy_stop() and its poll.
        down = sim.log().then(lambda log: list(dict.fromkeys(writes(log))))
        bmcr = sim.get(BMCR)
        sim.up()
        sim.wait_for_carrier(1)
        sim.settle()
        up = sim.log().then(writes)
        return down, bmcr, up, sim.registers((0, BMCR), (0, ECR), (0, IMR))

    # With an interrupt the PHY can wake the system, so that it does not go down.
    cases = {chip: unwired(chip) for chip in BROADCOM}
    for chip, (c_seen, seen) in compare(shell, DRIVERS, cases, observe).items():
        assert seen == c_seen, chip
        _, bmcr, up, (again, ecr, imr) = seen
        # Nothing but power-down, and afterwards all is set up anew.
        assert (bmcr, again & 0x0800) == (0x0800, 0), chip
        assert (ecr & ECR_INTERRUPT_MASK, imr) == (ECR_INTERRUPT_MASK, 0xFFF1), chip
        assert 0x8000 | 0x0D << 10 | 0xAA in written(up, SHD), chip


def test_stays_awake_to_wake_the_system(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        seen = []
        for options in ("g", "u", "d"):
            result = sim.ethtool(f"-s $netdev wol {options}")
            wakes = interrupt_wakes(sim)
            sim.down()
            seen.append((result, wakes, sim.get(BMCR).then(lambda bmcr: bmcr & 0x0800)))
            # The C driver wants a GPIO here, and gives up.
            sim.up()
            link(sim, True, 0x45E1)
            link(sim, False)
        return seen

    (seen,) = both(shell, DRIVERS[1:], broadcom("BCM54213PE"), observe)
    assert seen == [(([], 0), wakes, 0) for wakes in ("enabled", "enabled", "disabled")]


def test_wakes_on_lan(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        # What was there before is no event of these.
        sim.set(EXP_DATA, 0xE036, page=MAIN_CTL)
        seen = []
        # The C driver arms the interrupt each time anew, and disarms it once.
        wakes = [interrupt_wakes(sim)]
        for options in ("g", "d"):
            sim.ethtool(f"-s $netdev wol {options}")
            wakes.append(interrupt_wakes(sim))
        for options in ("g", "u", "m", "b", "s sopass 01:23:45:67:89:ab", "ug", "d"):
            result = sim.ethtool(f"-s $netdev wol {options}")
            report = sim.wakeup()
            values = expansion(sim, MAIN_CTL, INT_MASK, LED_CTL)
            words = expansion(sim, *(word + i for word in (DATA1, DATA2, MASK) for i in range(3)))
            seen.append((result, report, values, words))
        return seen, wakes

    (c_seen, c_wakes), (seen, wakes) = both(shell, DRIVERS, broadcom("BCM54213PE"), observe)
    assert seen == c_seen
    assert wakes == c_wakes == ["disabled", "enabled", "disabled"]
    assert [status for (_, status), *_ in seen] == [0] * 7
    events = [report[1].split(": ")[1] for _, report, *_ in seen]
    assert events == ["g", "u", "m", "b", "s", "g", "d"]
    assert seen[0][1][0] == "Supports Wake-on: umbgs"
    # The address that the simulation gives its devices; any address will do.
    assert seen[0][3] == [0x3300, 0x1122, 0x025E, 0, 0, 0, 0xFFFF, 0xFFFF, 0xFFFF]
    assert seen[0][2] == [0x8401, 0, 0x0002]
    assert seen[2][3][3:] == [0, 0, 0x0100, 0xFFFF, 0xFFFF, 0xFEFF]
    assert seen[4][1][2] == "SecureOn password: 01:23:45:67:89:ab"
    assert seen[6][2][:2] == [0x8400, 0x0007]


@netlink
def test_no_wakeup_without_an_interrupt(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        return sim.wakeup(), sim.ethtool("-s $netdev wol g").then(lambda answer: answer[1] != 0)

    nothing = ["Supports Wake-on: d", "Wake-on: d"]
    assert both(shell, DRIVERS, unwired("BCM54213PE"), observe) == [(nothing, True)] * 2


def test_counters_add_up(shell):
    def observe(sim):
        sim.start()
        sim.attach("rgmii-id")
        devad, lpi_count = LPI_COUNT
        seen = []
        for errors in (5, 0xFFFF):
            sim.set(18, errors)
            sim.set(19, 0x0102)
            sim.set(20, 0x0304)
            sim.script([f"mmd 0 {devad} {lpi_count} 6"])
            seen.append(sim.ethtool("--phy-statistics $netdev"))
        return seen

    c_seen, seen = both(shell, DRIVERS, broadcom("BCM54213PE"), observe)
    assert seen == c_seen
    assert seen[1][0][1:] == [
        "phy_receive_errors: 65540",
        "phy_serdes_ber_errors: 2",
        "phy_false_carrier_sense_errors: 4",
        "phy_local_rcvr_nok: 6",
        "phy_remote_rcv_nok: 8",
        "phy_lpi_count: 12",
    ]
