# SPDX-License-Identifier: MIT
"""The machines whose emulated PHYs our drivers get, and how QEMU is told to be one of them."""

import subprocess
from dataclasses import dataclass

import yaml

from ironroot.environment import board_yaml, kernel_command_line
from ironroot.kernel import images
from ironroot.phy_chips import FAMILIES

# The C drivers, whose modules have the families' names.
NO_C_DRIVERS = f"modprobe.blacklist={','.join(FAMILIES)}"


@dataclass(frozen=True)
class Machine:
    """A network device with a PHY that is emulated."""

    # Our module, and the driver of it that the PHY gets.
    module: str
    driver: str


@dataclass(frozen=True)
class Retold(Machine):
    """The board, with a device tree that tells another identifier of its PHY."""

    phy_id: int
    # The image's device tree, and the PHY in it.
    tree: str
    node: str

    def board(self, name, scratch):
        """A folder with what tells QEMU of the board; see `written`."""
        dtb = scratch / self.tree
        dtb.write_bytes((images() / self.tree).read_bytes())
        compatible = f"ethernet-phy-id{self.phy_id >> 16:04x}.{self.phy_id & 0xFFFF:04x}"
        edit = ["fdtput", "-t", "s", dtb, self.node, "compatible", compatible]
        subprocess.run(edit, check=True)
        described = described_board(name)
        described["images"]["dtb"] = str(dtb)
        return written(described, f"{kernel_command_line(name)} {NO_C_DRIVERS}", scratch)


class Template(str):
    """A text in which labgrid replaces variables."""


class Loader(yaml.SafeLoader):
    """Keeps labgrid's templates."""


class Dumper(yaml.SafeDumper):
    """Writes labgrid's templates."""


Loader.add_constructor("!template", lambda _, node: Template(node.value))
Dumper.add_representer(Template, lambda dumper, text: dumper.represent_scalar("!template", text))


def described_board(name):
    """What board.yaml says."""
    # A SafeLoader's subclass: it makes plain values only.
    return yaml.load(board_yaml(name).read_text(), Loader=Loader)


def written(described, append, scratch):
    """Writes a board's folder: board.yaml, and extlinux.conf with the kernel's command line."""
    folder = scratch / "board"
    folder.mkdir()
    (folder / "board.yaml").write_text(yaml.dump(described, Dumper=Dumper))
    (folder / "extlinux.conf").write_text(f"\tappend {append}\n")
    return folder


def retold(module, driver, phy_id):
    """The i.MX8M Plus board with another PHY's identifier in its device tree."""
    node = "/soc@0/bus@30800000/ethernet@30be0000/mdio/ethernet-phy@1"
    return Retold(module, driver, phy_id, "imx8mp-evk.dtb", node)


# By the board whose suite they belong to; each has a name.
MACHINES = {
    "sifive_unleashed": {"plain": Machine("rust_mscc", "Microsemi VSC8541 SyncE")},
    "microchip_icicle": {"plain": Machine("rust_marvell", "Marvell 88E1111")},
    "nxp_imx8mp_evk": {
        "plain": Machine("rust_smsc", "SMSC LAN911x Internal PHY"),
        "motorcomm": retold("rust_motorcomm", "YT8531 Gigabit Ethernet", 0x4F51E91B),
        "dp83867": retold("rust_dp83867", "TI DP83867", 0x2000A231),
        "broadcom": retold("rust_broadcom", "Broadcom BCM54210E", 0x600D84A2),
        "mscc": retold("rust_mscc", "Microsemi VSC8531", 0x00070572),
        "micrel": retold("rust_micrel", "Micrel KSZ9031 Gigabit PHY", 0x00221622),
    },
}
