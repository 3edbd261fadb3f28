# SPDX-License-Identifier: MIT
"""LEDs of simulated PHYs, switched by user space and by the kernel's netdev trigger."""

RULES = ("link", "link_10", "link_100", "link_1000", "half_duplex", "full_duplex", "tx", "rx")


def led_nodes(indices, properties=""):
    """The device tree's properties of a PHY with LEDs, each of which has these properties."""
    leds = "".join(f'led@{i} {{ reg = <{i}>; label = "led{i}"; {properties} }};' for i in indices)
    return f"leds {{ #address-cells = <1>; #size-cells = <0>; {leds} }};"


def enter(sim, index):
    """Goes to the LED's directory."""
    sim.do(f"cd /sys/class/net/$netdev/phydev/leds/*led{index}")


def switch_led(sim, index, place):
    """The values of the register at `place` once LED `index` was switched on, and off."""
    page, register = place
    enter(sim, index)
    # The kernel switches in the background.
    return sim.answer(
        f"look() {{ ask 'get 0 {page} {register}'; }};"
        " for on in 1 0; do was=$(look); echo $on > brightness;"
        " for i in $(seq 500); do now=$(look); [ $now != $was ] && break; usleep 20000; done;"
        " echo $now; done; cd /",
        lambda lines, _: [int(line, 16) for line in lines],
    )


def watch_led(sim, index, places, steps):
    """What LED `index` shows when it gets the netdev trigger, and after each step.

    A step is an attribute of the LED and its new value, as `link_100:1`. Each entry has the rules
    that are on, whether the chip shows them by itself, and the values of the registers at `places`.
    """

    def parse(lines, _status):
        size = 1 + len(places)
        entries = (lines[at : at + size] for at in range(0, len(lines), size))
        return [
            (rules.split()[:-1], rules.split()[-1] == "1", [int(value, 16) for value in values])
            for rules, *values in entries
        ]

    registers = "".join(rf"get 0 {page} {register}\n" for page, register in places)
    sim.do("modprobe ledtrig_netdev")
    enter(sim, index)
    return sim.answer(
        f"look() {{ echo $(grep -l 1 {' '.join(RULES)}) $(cat offloaded); ask '{registers}'; }};"
        f" echo netdev > trigger && look && for step in {' '.join(steps)}; do"
        " echo ${step#*:} > ${step%:*}; look; done; cd /",
        parse,
    )
