# SPDX-License-Identifier: GPL-2.0
"""What the families of rust-phy have in common: polling, broken PHYs, unloading."""

import pytest
from ironroot.phy import NO_SYSFS_NODE
from ironroot.phy_chips import FAMILIES
from ironroot.phy_script import both

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
families = pytest.mark.parametrize("family", FAMILIES)


def link(sim, family, up):
    """The link came or went; the PHY keeps it to itself."""
    sim.link(up, FAMILIES[family].bmsr, FAMILIES[family].link)


def polled(shell, family, observe):
    """What `observe` returns with our driver, on a PHY without an interrupt that is up."""

    def bring_up(sim):
        sim.start()
        sim.attach(FAMILIES[family].mode)
        sim.up()
        return observe(sim)

    (seen,) = both(shell, [f"rust_{family}"], FAMILIES[family].unwired(), bring_up)
    return seen


@families
def test_link_comes_and_goes_by_polling(shell, family):
    def observe(sim):
        link(sim, family, up=True)
        settings = sim.settings()
        link(sim, family, up=False)
        return settings

    settings = polled(shell, family, observe)
    assert (settings["Speed"], settings["Duplex"]) == ("100Mb/s", "Full")


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

    _, status = polled(shell, family, observe)
    # While a network device uses it the module stays.
    assert status != 0
    shell.run("killall ping")
