# SPDX-License-Identifier: GPL-2.0
"""LEDs at simulated PHYs, by our drivers and the C drivers: the registers must be the same."""

from dataclasses import dataclass

import pytest
from ironroot.phy import NO_SYSFS_NODE
from ironroot.phy_chips import SHD, broadcom, dp83867, m88e1510, realtek
from ironroot.phy_leds import enter, led_nodes
from ironroot.phy_script import both, compare

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
# Attributes of the trigger, and sets of them. From one to the next no chip has to wait in between
# for what it cannot show.
ATTRIBUTES = ("tx", "rx", "link", "link_10", "link_100", "link_1000", "full_duplex")
RULES = (
    "tx",
    "rx",
    "tx rx",
    "tx rx link",
    "rx link",
    "link",
    "link_10",
    "link_100",
    "link_1000",
    "link_100 link_1000",
    "link_10 link_100",
    "link_10 link_1000",
    "link_10 link_100 link_1000",
    "full_duplex",
)
# `seen` waits for an access since the last `forget`, and for the others that belong to it: the
# kernel switches LEDs in the background.
# Few commands are programs: an emulated board takes longer for a `cat` than for what it reads.
FUNCTIONS = """
forget() { tell log; }
seen() {
    tries=0
    until tell log; read access < /dev/phy-sim; do
        tries=$((tries + 1))
        [ $tries -lt 500 ] || { echo never seen; return 1; }
        [ $tries -lt 20 ] || usleep 20000
    done
    tell 'settle 0'
}
light() { forget; echo $1 > brightness; seen; }
show() { while read -r line; do echo "$line"; done < $1; }
values() { tell "$registers"; show /dev/phy-sim; }
change() {
    forget
    echo $2 2> /dev/null > $1
    read by_itself < offloaded
    [ $by_itself = 1 ] || [ $soft = 0 ] || seen
}
rule() {
    for a; do change $a 1; done
    show offloaded
    values
    for a; do change $a 0; done
}
"""


@dataclass(frozen=True)
class Chip:
    """A chip with LEDs."""

    power_up: list[str]
    # The page and the number of each register with LEDs.
    registers: tuple[tuple[int, int], ...]
    # Which LEDs to look at.
    leds: tuple[int, ...]
    # The kernel can switch the LEDs.
    switch: bool = True


FAMILIES = {
    "dp83867": {"DP83867": Chip(dp83867(), ((0, 24), (0, 25)), (0, 3))},
    "marvell": {"88E1510": Chip(m88e1510(), ((3, 16),), (0, 1, 2))},
    "realtek": {
        "RTL8211E": Chip(realtek("RTL8211E"), ((0x1002C, 26), (0x1002C, 28)), (1,), switch=False),
        "RTL8211F": Chip(realtek("RTL8211F"), ((0xD04, 16),), (2,), switch=False),
    },
}


def attach(sim, index, properties=""):
    """A PHY with a LED."""
    sim.start(led_nodes([index], properties))
    sim.attach("rgmii-id")


def prepare(sim, index, registers=(), switch=True):
    """A PHY with a LED; goes to the LED's directory, where commands may use FUNCTIONS."""
    attach(sim, index)
    enter(sim, index)
    sim.do(FUNCTIONS)
    commands = "".join(rf"get 0 {page} {register}\n" for page, register in registers)
    sim.do(f"registers='{commands}' soft={int(switch)}")


def lines_of(result):
    """What a command printed, which went well."""
    lines, status = result
    assert status == 0, lines
    return lines


@pytest.mark.parametrize("family", FAMILIES)
def test_a_led_shows_what_the_rules_say(shell, family):
    chips = FAMILIES[family]

    def observe(sim, case):
        name, index = case
        registers = chips[name].registers
        prepare(sim, index, registers, chips[name].switch)
        sim.do("modprobe ledtrig-netdev")
        sim.do("echo netdev > trigger")
        firmware = sim.answer(f"cat {' '.join(ATTRIBUTES)}").then(lines_of)
        rules = sim.answer(
            f"for a in {' '.join(ATTRIBUTES)}; do change $a 0; done;"
            f" for rules in {' '.join(map(repr, RULES))}; do rule $rules; done"
        )
        # Nothing is left for the background.
        sim.do("change link 1; forget; echo none > trigger; [ $soft = 0 ] || seen")
        sim.do("cd /")
        each = 1 + len(registers)
        return firmware, rules.then(lines_of).then(
            lambda lines: [lines[at : at + each] for at in range(0, len(lines), each)]
        )

    cases = {(name, index): chip.power_up for name, chip in chips.items() for index in chip.leds}
    seen = compare(shell, (family, f"rust_{family}"), cases, observe)
    for case, (by_c, by_rust) in seen.items():
        assert by_rust == by_c, case
        rules = dict(zip(RULES, by_rust[1], strict=True))
        offloaded = [names for names in RULES if rules[names][0] == "1"]
        assert "tx rx link" in offloaded, case
        # Each has its own value, but that a link is one at all speeds.
        values = {tuple(rules[names]) for names in offloaded}
        assert len(values) >= len(offloaded) - 1, case


@pytest.mark.parametrize(
    ("family", "name", "index"), [("dp83867", "DP83867", 2), ("marvell", "88E1510", 1)]
)
def test_a_led_is_switched(shell, family, name, index):
    chip = FAMILIES[family][name]

    def observe(sim):
        prepare(sim, index, chip.registers)
        lines = sim.answer("light 1 && values && light 0 && values").then(lines_of)
        sim.do("cd /")
        return lines

    c_seen, seen = both(shell, (family, f"rust_{family}"), chip.power_up, observe)
    assert seen == c_seen
    assert len(seen) == 2 * len(chip.registers)
    assert seen[: len(chip.registers)] != seen[len(chip.registers) :]


def test_leds_of_the_bcm54210e_are_switched(shell):
    def observe(sim, index):
        prepare(sim, index)
        # Two writes: one selects the register, the other sets it.
        lines = sim.answer(
            "for on in 1 0; do forget; echo $on > brightness; :> /tmp/leds;"
            " for i in $(seq 500); do ask log >> /tmp/leds;"
            ' [ $(grep -c "^w" /tmp/leds) -ge 2 ] && break; done; cat /tmp/leds; done;'
            " rm /tmp/leds"
        )
        sim.do("cd /")
        return lines.then(
            lambda result: [line for line in lines_of(result) if line.startswith(f"w 0 {SHD} ")]
        )

    drivers = ("broadcom", "rust_broadcom")
    cases = dict.fromkeys((1, 2), broadcom("BCM54213PE", shadow=0x0155))
    for index, (c_seen, seen) in compare(shell, drivers, cases, observe).items():
        assert seen == c_seen, index
        register = 0x0D if index < 2 else 0x0E
        others = 0x0155 & ~(0xF << 4 * (index % 2))
        assert [int(line.split()[3], 16) for line in seen] == [
            register << 10,
            0x8000 | register << 10 | others | 0xF << 4 * (index % 2),
            register << 10,
            0x8000 | register << 10 | others | 0xE << 4 * (index % 2),
        ], index


@pytest.mark.expects("probe with driver TI DP83867 failed with error -22")
def test_leds_of_the_dp83867_are_as_they_are_wired(shell):
    wired = {
        (0, "active-low;"): ("TI DP83867", 0x4440),
        (3, "active-low;"): ("TI DP83867", 0x0444),
        (1, "active-high;"): ("TI DP83867", 0x4444),
        (1, ""): ("TI DP83867", 0x4404),
        (1, "inactive-high-impedance;"): ("Generic PHY", 0x4404),
    }

    def observe(sim, case):
        # LED 1 is strapped to be low when it is on.
        sim.set(25, 0x4404 if case[0] == 1 else 0x4444)
        attach(sim, *case)
        return sim.driver(), sim.get(25)

    seen = compare(shell, ("dp83867", "rust_dp83867"), dict.fromkeys(wired, dp83867()), observe)
    assert seen == {case: [result] * 2 for case, result in wired.items()}
