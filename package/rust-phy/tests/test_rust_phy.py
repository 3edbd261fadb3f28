# SPDX-License-Identifier: GPL-2.0
"""What the families of rust-phy have in common: polling, broken PHYs, unloading."""

import pytest
from ironroot.phy import NO_SYSFS_NODE, Sim, both, loaded
from ironroot.phy_chips import FAMILIES

pytestmark = pytest.mark.expects(NO_SYSFS_NODE)
families = pytest.mark.parametrize("family", FAMILIES)


def link(sim, family, up):
    """The link came or went; the PHY keeps it to itself."""
    sim.link(up, FAMILIES[family].bmsr, FAMILIES[family].link)


def polled(shell, family):
    """A PHY of the family without an interrupt, attached and up."""
    sim = Sim(shell)
    sim.script(["reset", "phy 0", *FAMILIES[family].unwired()])
    sim.start()
    sim.attach(FAMILIES[family].mode)
    sim.up()
    return sim


@families
def test_link_comes_and_goes_by_polling(shell, family):
    with loaded(shell, f"rust_{family}"):
        sim = polled(shell, family)
        link(sim, family, up=True)
        settings = sim.settings()
        assert (settings["Speed"], settings["Duplex"]) == ("100Mb/s", "Full")
        link(sim, family, up=False)
        sim.finish()


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
    with loaded(shell, f"rust_{family}"):
        sim = polled(shell, family)
        link(sim, family, up=True)
        sim.finish()
        sent = f"/sys/class/net/{sim.netdev}/statistics/tx_packets"
        shell.run_check(
            f"ip addr add 192.0.2.1/24 broadcast 192.0.2.255 dev {sim.netdev} && "
            "(ping -c 10000 -i 0.01 192.0.2.255 > /dev/null 2>&1 &)"
        )
        shell.run_check(
            f"for i in $(seq 500); do [ $(cat {sent}) -gt 20 ] && exit; usleep 20000; done; exit 1",
            timeout=60,
        )
        # While a network device uses it the module stays.
        shell.run_check(f"! rmmod rust_{family} 2> /dev/null")
        # Leaving the block takes the bus away, and then the module.
    shell.run("killall ping")
    shell.run_check(f"! [ -e /sys/module/rust_{family} ]")
