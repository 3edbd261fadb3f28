# SPDX-License-Identifier: MIT
"""MDIO transactions of each PHY driver, Rust beside C on the same simulated PHYs.

A transaction takes 25 microseconds and more of a bus that all of a board's PHYs share; what the
driver computes meanwhile is nothing beside it.
"""

import functools

from ironroot.phy_chips import FAMILIES
from ironroot.phy_script import both

from bench import guest
from bench.names import matches
from bench.sizes import row

CHANGES = 10
# phylib polls once a second: in this time ten times, or eleven.
SECONDS = 10.5


def probe(sim, family):
    """From the bus's registration to a PHY that is configured."""
    sim.log()
    sim.start()
    sim.attach(family.mode)
    return sim.log().then(len)


def poll(sim, family):
    """Each second, while the link stays as it is."""
    connect(sim, family, None)
    sim.do(f"usleep {int(SECONDS * 1_000_000)}")
    return sim.log().then(lambda log: round(len(log) / SECONDS))


def change(sim, family):
    """From the interrupt to a link that phylib has taken notice of, up and down."""
    connect(sim, family, family.interrupt)
    for number in range(CHANGES):
        sim.link(number % 2 == 1, family.bmsr, family.link, family.interrupt)
        sim.settle()
    return sim.log().then(lambda log: len(log) / CHANGES)


def connect(sim, family, interrupt):
    """A link that is up; what that took is forgotten."""
    sim.start()
    sim.attach(family.mode)
    sim.up()
    sim.link(True, family.bmsr, family.link, interrupt)
    sim.settle()
    sim.log()


MEASURED = {"probe": probe, "poll": poll, "link-change": change}


def rows(expression):
    """The rows that the expression selects."""
    wanted = [
        (name, kind, f"phy/{name}-{kind}")
        for name, family in FAMILIES.items()
        for kind in MEASURED
        # A driver without interrupts polls for its links.
        if family.interrupt or kind != "link-change"
    ]
    wanted = [entry for entry in wanted if matches(entry[2], expression)]
    if not wanted:
        return
    guest.build("")
    with guest.booted("", "") as board:
        for number, (name, kind, row_name) in enumerate(wanted, 1):
            family = FAMILIES[name]
            script = family.unwired() if kind == "poll" else family.power_up
            measure = functools.partial(MEASURED[kind], family=family)
            baseline, rust = both(board.shell, (name, f"rust_{name}"), script, measure)
            guest.say(f"{number} of {len(wanted)}: {row_name}: {rust}, C {baseline}")
            yield row(
                row_name,
                "MDIO transactions",
                f"phy_sim's log, {family.chip}",
                [rust],
                [baseline],
                f"rust_{name}",
                name,
            )
