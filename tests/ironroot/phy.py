# SPDX-License-Identifier: MIT
"""What simulated PHYs have in common: registers, and the nodes of a device tree."""

import subprocess

import pytest

BMCR, BMSR, LPA, STAT1000 = 0, 1, 5, 10
# Bits that a PHY for copper sets in BMSR: link, auto-negotiation complete.
BMSR_LINK, BMSR_ANEG_COMPLETE = 0x0004, 0x0020

# The nodes of phy_sim's device tree are not in /sys/firmware/devicetree.
NO_SYSFS_NODE = r"(mdio_bus phy-sim-\d+(:00)?|hwmon hwmon\d+): Error -2 creating of_node link"

# Cable tests, crossover, and what else ethtool asks for in no other way.
netlink = pytest.mark.needs_package("libmnl", "the image's ethtool has no netlink")


def device_tree(properties, in_mac=False):
    """A bus with one PHY at address 0 that has these properties, or its MAC has; as a blob."""
    phy = f"ethernet-phy@0 {{ reg = <0>; {properties} }};"
    bus = f"mdio {{ #address-cells = <1>; #size-cells = <0>; {phy} }};"
    mac = f"mac {{ {properties} }};"
    source = f"/dts-v1/; / {{ {mac if in_mac else bus} }};"
    command = ["dtc", "-q", "-I", "dts", "-O", "dtb"]
    return subprocess.run(command, input=source.encode(), capture_output=True, check=True).stdout


def basic_phy(phy_id, bmsr=0x7809):
    """What every PHY for 10 and 100 Mbit/s powers up with."""
    return [
        f"reg 0 0 0 {0x1000}",
        f"selfclear 0 0 0 {0x8200}",
        f"reg 0 0 1 {bmsr}",
        f"readonly 0 0 1 {0xFFFF}",
        f"reg 0 0 2 {phy_id >> 16}",
        f"reg 0 0 3 {phy_id & 0xFFFF}",
        f"reg 0 0 4 {0x1E1}",
    ]
