# SPDX-License-Identifier: GPL-2.0
"""What the MAC and the system ask of PHYs: clocks, loopback, flags, EEE, suspend and wakeup."""

import itertools

import pytest
from ironroot.board import MULTIPLIER
from ironroot.environment import lacks
from ironroot.phy import BMSR, BMSR_ANEG_COMPLETE, BMSR_LINK, NO_SYSFS_NODE
from ironroot.phy_chips import (
    EXP_DATA,
    FAMILIES,
    GIGABIT_BMSR,
    broadcom,
    dp83867,
    m88e1510,
    micrel,
    motorcomm,
    realtek,
    smsc,
)
from ironroot.phy_script import both, compare, writes

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
CLOCK = "/sys/kernel/debug/clk/phy-sim-*-clock-0"
# Chips whose drivers do more for it than to set a bit, and one that leaves it to phylib.
LOOPBACK = {
    "marvell": {"88E1510": m88e1510()},
    "dp83867": {"DP83867": dp83867()},
    "micrel": {"KSZ9031": micrel("KSZ9031"), "KSZ9131": micrel("KSZ9131")},
    "realtek": {"RTL8211F": realtek("RTL8211F")},
}
# phy_device.dev_flags, of which each family has its own.
DEV_FLAGS = {
    "marvell": ("88E1510", m88e1510(), [1 << 2]),
    "micrel": ("KSZ9131", micrel("KSZ9131"), [1 << 29]),
    "broadcom": ("BCM54213PE", broadcom("BCM54213PE"), [1 << bit for bit in (0, 1, 3, 4, 5)] + [9]),
}
# s2idle without a wakeup would never end: the clock ends it, after what a wakeup never takes, where
# it can (on riscv64 QEMU's has no driver that wakes).
ALARM = "/sys/class/rtc/rtc0/wakealarm"
PATIENCE = int(30 * MULTIPLIER)
# Seconds until the packet comes, in which the system must have fallen asleep.
PACKET = int(4 * MULTIPLIER)
# Broadcom's extended control register, which masks all interrupts. Ours enables them again when the
# PHY is up.
BCM_ECR = 16


def drivers(family):
    """The C driver and ours."""
    return family, f"rust_{family}"


def linked(bmsr):
    """The script of a PHY with a link."""
    return f"reg 0 0 {BMSR} {bmsr | BMSR_LINK | BMSR_ANEG_COMPLETE}"


def comparable(family):
    """The writes among accesses to registers, but where ours differs from C on purpose."""
    differs = BCM_ECR if family == "broadcom" else None
    return lambda log: [entry for entry in writes(log) if entry[1] != differs]


def lines_of(result):
    """What a command printed, which went well."""
    lines, status = result
    assert status == 0, lines
    return lines


@pytest.mark.parametrize(
    ("family", "chips"),
    [
        ("smsc", {"LAN8710": smsc("LAN8710"), "LAN8742": smsc("LAN8742")}),
        ("realtek", {"RTL8211F": realtek("RTL8211F"), "RTL8211F-VD": realtek("RTL8211F-VD")}),
        ("motorcomm", {"YT8521": motorcomm("YT8521", {0xA001: 0x8100})}),
        ("micrel", {"KSZ8081": micrel("KSZ8081")}),
    ],
)
def test_the_clock_runs_while_it_is_needed(shell, family, chips):
    """As C runs it: while the driver has the PHY, or while the PHY is awake; smsc sets its rate."""

    def observe(sim, _):
        def look():
            return sim.answer(f"cat {CLOCK}/clk_rate {CLOCK}/clk_enable_count").then(lines_of)

        sim.script(["clock 0 25000000"])
        idle = look()
        sim.start()
        sim.attach("rgmii-id" if family in ("realtek", "motorcomm") else "rmii")
        seen = [look()]
        for change in (sim.up, sim.down, sim.up):
            change()
            seen.append(look())
        sim.script(["stop"])
        return idle, seen, look(), sim.answer(f"cat {CLOCK}/clk_prepare_count").then(lines_of)

    # C's RTL8211F counts it once more with each resume, and does not stop it at the end.
    names = drivers(family)[1:] if family == "realtek" else drivers(family)
    for chip, (*by_c, by_rust) in compare(shell, names, chips, observe).items():
        idle, seen, after, prepared = by_rust
        assert all(each[:3] == by_rust[:3] for each in by_c), chip
        # Ours never stops it in between: the chip is configured before it is resumed.
        assert family != "realtek" or [count for _, count in seen] == ["1"] * 4, chip
        assert idle == ["25000000", "0"], chip
        assert (after[1], prepared) == ("0", ["0"]), chip
        rate = "50000000" if family == "smsc" else "25000000"
        assert [rate, "1"] in seen, chip
        assert {each[0] for each in seen} == {rate}, chip


@pytest.mark.expects(
    r"Clock rate out of range: 30000000|probe with driver .* failed with error -22"
)
def test_the_rate_of_the_rmii_clock_is_what_the_ksz8081_is_told(shell):
    def observe(sim, case):
        hertz, select = case
        sim.script([f"clock 0 {hertz} rmii-ref"])
        sim.start("micrel,rmii-reference-clock-select-25-mhz;" if select else "")
        sim.attach("rmii")
        sim.up()
        return sim.driver(), sim.get(31).then(lambda value: value >> 7 & 1)

    cases = [(hertz, select) for hertz in (25000000, 50000000) for select in (False, True)]
    power_up = micrel("KSZ8081")
    seen = compare(
        shell, drivers("micrel"), dict.fromkeys([*cases, (30000000, False)], power_up), observe
    )
    name = "Micrel KSZ8081 or KSZ8091"
    expected = dict(zip(cases, [(name, 0), (name, 1), (name, 1), (name, 0)], strict=True))
    expected[30000000, False] = ("Generic PHY", 1)
    assert seen == {case: [result] * 2 for case, result in expected.items()}
    shell.run_check("dmesg | tail -n 50 | grep -q 'rmii-ref.*out of range: 30000000'")


@pytest.mark.parametrize("family", LOOPBACK)
def test_loopback(shell, family):
    """On and off at each speed that there is, by the same writes as C's."""

    def observe(sim, case):
        _, speed = case
        sim.script([linked(GIGABIT_BMSR)])
        sim.start()
        sim.attach("rgmii-id")
        sim.up()
        sim.log()
        seen = []
        for command in (f"loopback 0 {speed}", "unloop 0"):
            result = sim.answer(f"echo {command} > /dev/phy-sim").then(lambda answer: answer[1])
            seen.append((result, sim.log().then(writes)))
        return seen

    cases = {
        (chip, speed): power_up
        for chip, power_up in LOOPBACK[family].items()
        for speed in (0, 10, 100, 1000)
    }
    seen = compare(shell, drivers(family), cases, observe)
    for case, (by_c, by_rust) in seen.items():
        assert by_rust == by_c, case
    for (chip, speed), (_, ((refused, on), (_, off))) in seen.items():
        # The DP83867 has it at the link's speed alone. Bit 14 of BMCR is the loopback.
        assert bool(refused) == (chip == "DP83867" and speed != 0), (chip, speed)
        if not refused:
            assert any(reg == 0 and value & 0x4000 for _, reg, value in on), (chip, speed)
            assert any(reg == 0 and not value & 0x4000 for _, reg, value in off), (chip, speed)


@pytest.mark.parametrize("family", DEV_FLAGS)
def test_the_mac_has_its_wishes(shell, family):
    chip, power_up, wishes = DEV_FLAGS[family]

    def observe(sim, flags):
        sim.start()
        sim.log()
        sim.attach(f"rgmii-id {flags}")
        sim.up()
        sim.down()
        return sim.log().then(comparable(family))

    seen = compare(shell, drivers(family), dict.fromkeys([0, *wishes], power_up), observe)
    for flags, (by_c, by_rust) in seen.items():
        assert by_rust == by_c, (chip, flags)
    # None of the wishes is ignored.
    assert all(seen[flags] != seen[0] for flags in wishes), chip


@pytest.mark.parametrize("family", ["realtek", "broadcom"])
def test_a_mac_with_low_power_idle_has_it_to_itself(shell, family):
    # Autonomous EEE is on: a bit of PHYCR2, and one of an expansion register.
    realteks, on = ("RTL8211F", "RTL8211F-VD"), f"reg 0 0 25 {0x0020}"
    chips = {
        "realtek": {name: [*realtek(name), on] for name in realteks},
        "broadcom": {"BCM54213PE": [*broadcom("BCM54213PE"), f"reg 0 {0x0D00} {EXP_DATA} 1"]},
    }

    def observe(sim, _):
        sim.start()
        sim.attach("rgmii-id")
        sim.log()
        sim.script(["eee 0"])
        at_once = sim.log().then(comparable(family))
        # phylib asks for it again after each reset.
        sim.up()
        return at_once, sim.log().then(comparable(family))

    for chip, (by_c, by_rust) in compare(shell, drivers(family), chips[family], observe).items():
        assert by_rust == by_c, chip
        assert by_rust[0], chip


@pytest.fixture
def sleeps(board):
    """A board whose console is as before when the system wakes up."""
    if reason := lacks(board.name, "suspend"):
        pytest.skip(reason)


def freeze(sim):
    """Suspends to idle; answers with how many seconds that was, and what interrupt ended it."""
    return sim.answer(
        f"alarm() {{ [ ! -e {ALARM} ] || echo $1 > {ALARM}; }};"
        f" alarm 0; alarm +{PATIENCE}; read from _ < /proc/uptime;"
        " echo freeze > /sys/power/state; read to _ < /proc/uptime;"
        " alarm 0; echo $((${to%.*} - ${from%.*}));"
        " cat /sys/power/pm_wakeup_irq; grep phy-sim /proc/interrupts"
    )


@pytest.mark.usefixtures("sleeps")
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_suspend_of_the_system(shell, family):
    """Its devices are suspended and resumed, and the link comes back."""
    each = FAMILIES[family]
    power_up, interrupt = each.power_up, each.interrupt
    if family == "broadcom":
        # With an interrupt, and no GPIO beside it, C's lets no system sleep.
        power_up, interrupt = each.unwired(), None

    def observe(sim):
        sim.start()
        sim.attach(each.mode)
        sim.up()
        sim.link(True, each.bmsr, each.link, interrupt)
        sim.settle()
        sim.log()
        sim.do("echo devices > /sys/power/pm_test")
        sim.do("echo 0 > /sys/module/suspend/parameters/pm_test_delay")
        sim.do("echo freeze > /sys/power/state; echo none > /sys/power/pm_test")
        sim.wait_for_carrier(1)
        sim.settle()
        return sim.log().then(comparable(family))

    c_seen, seen = both(shell, drivers(family), power_up, observe)
    if family in ("motorcomm", "mscc"):
        # Ours writes at once what C writes in steps, selects pages and restarts auto-negotiation
        # less often.
        c_seen, seen = (
            [entry for entry in log if entry[1] == 0 and not entry[2] & 0x0200]
            for log in (c_seen, seen)
        )
    assert seen == c_seen
    # Power down, and up again.
    down = [bool(value & 0x0800) for _, reg, value in seen if reg == 0]
    assert (True, False) in itertools.pairwise(down)


# The C driver of Broadcom's does not let the system sleep: it wants a GPIO that wakes it.
WAKES = {
    "realtek": (drivers("realtek"), realtek("RTL8211F"), "wakeup-source;"),
    "broadcom": (drivers("broadcom")[1:], broadcom("BCM54213PE"), ""),
}


@pytest.mark.usefixtures("sleeps")
@pytest.mark.parametrize("family", WAKES)
def test_a_packet_wakes_the_system(shell, family):
    """The PHY's interrupt ends a suspend to idle, while Wake-on-LAN is on."""
    names, power_up, properties = WAKES[family]

    def observe(sim):
        sim.start(properties)
        sim.attach("rgmii-id")
        sim.up()
        sim.do("ethtool -s $netdev wol g")
        sim.script([f"irq 0 {PACKET * 1000}"])
        return freeze(sim)

    for lines, status in both(shell, names, power_up, observe):
        assert status == 0, lines
        seconds, interrupt, action = int(lines[0]), lines[1], lines[2]
        assert PACKET / 2 <= seconds < PATIENCE / 2
        assert action.split(":")[0].strip() == interrupt
