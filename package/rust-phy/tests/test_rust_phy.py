# SPDX-License-Identifier: GPL-2.0
"""What the families of rust-phy have in common: polling, broken PHYs, unloading."""

import pytest
from ironroot.phy import BMSR, BMSR_LINK, LPA, NO_SYSFS_NODE
from ironroot.phy_chips import FAMILIES
from ironroot.phy_script import both

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
families = pytest.mark.parametrize("family", FAMILIES)


def link(sim, family, up):
    """The link came or went; the PHY keeps it to itself."""
    sim.link(up, FAMILIES[family].bmsr, FAMILIES[family].link)


def polled(shell, family, observe):
    """What `observe` returns with each of the drivers, on a PHY without an interrupt that is up."""

    def bring_up(sim):
        sim.start()
        sim.attach(FAMILIES[family].mode)
        sim.up()
        return observe(sim)

    return both(shell, (family, f"rust_{family}"), FAMILIES[family].unwired(), bring_up)


def alike(family, settings):
    """ethtool's report, without that in which ours differs from C on purpose."""
    differs = ("Supports Wake-on", "Wake-on") if family == "mscc" else ()
    return {key: value for key, value in settings.items() if key not in differs}


@families
def test_link_comes_and_goes_by_polling(shell, family):
    def observe(sim):
        link(sim, family, up=True)
        settings = sim.settings()
        link(sim, family, up=False)
        return settings

    c_settings, settings = polled(shell, family, observe)
    assert alike(family, settings) == alike(family, c_settings)
    assert (settings["Speed"], settings["Duplex"]) == ("100Mb/s", "Full")


def polls(sim):
    """Has phylib look at the PHY twice, now: `settle` does not wait until a poll is due."""
    sim.settle()
    sim.settle()


# What registers say of a link at 10 Mbit/s, half duplex, where the partner's word is not all.
SLOW = {"realtek": {26: 0x00}, "marvell": {17: 0x0C00}, "dp83867": {17: 0x0C00}}


@families
def test_a_phy_that_changes_its_mind(shell, family):
    """Another speed without a loss of the link, and auto-negotiation that is not over after all."""
    each = FAMILIES[family]

    def report(sim):
        polls(sim)
        return sim.settings()

    def observe(sim):
        link(sim, family, up=True)
        for register, value in {LPA: 0x4021, **SLOW.get(family, {})}.items():
            sim.set(register, value)
        slower = report(sim)
        sim.set(BMSR, each.bmsr | BMSR_LINK)
        unsure = report(sim)
        link(sim, family, up=True)
        return slower, unsure, report(sim)

    c_seen, seen = (
        [alike(family, settings) for settings in reports]
        for reports in polled(shell, family, observe)
    )
    assert seen == c_seen
    # phylib's own reading of the registers takes another speed for impossible while the link is up.
    speeds = ["10Mb/s" if family in SLOW else "100Mb/s", "100Mb/s"]
    assert [settings["Speed"] for settings in (seen[0], seen[2])] == speeds


@families
def test_a_phy_that_answers_all_ones(shell, family):
    """As one that lost its power; its link comes back with it."""

    def observe(sim):
        link(sim, family, up=True)
        sim.script(["dead 0 1"])
        polls(sim)
        dead = sim.settings()
        sim.down()
        refused = sim.answer("ip link set $netdev up").then(lambda answer: answer[1])
        sim.script(["dead 0 0"])
        sim.down()
        sim.up()
        sim.wait_for_carrier(1)
        return dead, refused, sim.settings()

    (c_dead, *c_rest), (dead, *rest) = polled(shell, family, observe)
    assert alike(family, dead) == alike(family, c_dead)
    assert rest[0] == c_rest[0]
    assert alike(family, rest[1]) == alike(family, c_rest[1])
    assert rest[1]["Speed"] == "100Mb/s"


@families
@pytest.mark.expects("Failed to update the TX delay register: -EIO")
def test_a_bus_that_fails_is_reported(shell, family):
    mode = FAMILIES[family].mode

    def observe(sim):
        sim.start()
        sim.script(["fail 0 5"])
        error = sim.refusal(f"attach 0 {mode}")
        sim.script(["fail 0 0"])
        sim.attach(mode)
        return error

    drivers = (family, f"rust_{family}")
    seen = both(shell, drivers, FAMILIES[family].power_up, observe)
    assert seen == ["Input/output error"] * 2


@pytest.mark.parametrize("family", ["smsc", "marvell", "mscc"])
@pytest.mark.expects(r"(genphy_soft_reset|phy_poll_reset) failed: -110")
def test_a_reset_that_never_ends_is_given_up(shell, family):
    def observe(sim):
        sim.script([f"selfclear 0 0 0 {0x0200}"])
        sim.start()
        return sim.refusal(f"attach 0 {FAMILIES[family].mode}")

    drivers = (family, f"rust_{family}")
    c_error, error = both(shell, drivers, FAMILIES[family].power_up, observe)
    assert error == c_error
    assert "timed out" in error


@families
def test_is_unloaded_under_traffic(shell, family):
    def observe(sim):
        link(sim, family, up=True)
        sim.do("ip addr add 192.0.2.1/24 broadcast 192.0.2.255 dev $netdev")
        sim.do("(ping -c 10000 -i 0.01 192.0.2.255 > /dev/null 2>&1 &)")
        sim.do(
            "sent() { [ $(cat /sys/class/net/$netdev/statistics/tx_packets) -gt 20 ]; };"
            " for i in $(seq 500); do sent && break; usleep 20000; done; sent"
        )
        # The end of the script takes the bus away, and then the module, or fails.
        return sim.answer("rmmod $driver")

    # While a network device uses it the module stays.
    assert all(status != 0 for _, status in polled(shell, family, observe))
    shell.run("killall ping")
