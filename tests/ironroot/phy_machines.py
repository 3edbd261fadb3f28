# SPDX-License-Identifier: MIT
"""The machines whose emulated PHYs our drivers get, and how QEMU is told to be one of them."""

import subprocess
from dataclasses import dataclass

import yaml

from ironroot.environment import board_yaml, kernel_command_line
from ironroot.kernel import images
from ironroot.phy_chips import FAMILIES
from ironroot.quick import quick

# Where every card's boot partition begins, as mtools takes it.
BOOT = "8M"
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
        compatible = f"ethernet-phy-id{self.phy_id >> 16:04x}.{self.phy_id & 0xFFFF:04x}"
        dtb = edited(self.tree, scratch, ["-t", "s"], self.node, "compatible", compatible)
        described = described_board(name)
        described["images"]["dtb"] = str(dtb)
        return written(described, f"{kernel_command_line(name)} {NO_C_DRIVERS}", scratch)


@dataclass(frozen=True)
class Untold(Machine):
    """The board, with a device tree that leaves it to the PHY to say what it is."""

    # The device tree on the card's boot partition, and the PHY in it.
    tree: str
    node: str

    def board(self, name, scratch):
        """A folder with what tells QEMU of the board; see `written`."""
        dtb = edited(self.tree, scratch, ["-d"], self.node, "compatible")
        # The boot loader takes the tree from the card, and the command line too.
        disk = scratch / "sdcard.img"
        subprocess.run(["cp", "--sparse=always", images() / "sdcard.img", disk], check=True)
        subprocess.run(["mcopy", "-o", "-i", f"{disk}@@{BOOT}", dtb, f"::{self.tree}"], check=True)
        described = described_board(name)
        qemu = qemu_driver(described)
        arguments = qemu["extra_args"].replace("$LG_DISK_FORMAT", "raw")
        qemu["extra_args"] = Template(arguments.replace("$LG_DISK", str(disk)))
        return written(described, kernel_command_line(name), scratch)


@dataclass(frozen=True)
class Rig(Machine):
    """Another machine of the board's architecture, with the board's kernel and card."""

    # The kernel's device tree, below the architecture's boot/dts.
    tree: str
    # Its port, as the kernel names it.
    console: str
    # What a kernel that has the machine's drivers has.
    needs: str
    machine: str
    cpu: str
    memory: str
    # What connects the card, and other devices.
    devices: str
    # What the kernel says of the machine that is none of the PHY's business.
    known_log: tuple = ()
    # Why its MAC driver cannot be loaded a second time.
    stays: str = ""
    # A module that has to be there before all others.
    first: str = ""

    def board(self, name, scratch):
        """A folder with what tells QEMU of the machine; see `written`."""
        described = described_board(name)
        qemu = qemu_driver(described)
        qemu.clear()
        qemu |= {
            "qemu_bin": "qemu",
            "machine": self.machine,
            "cpu": self.cpu,
            "memory": self.memory,
            "kernel": "kernel",
            "dtb": "dtb",
            "boot_args": Template("$LG_APPEND"),
            "extra_args": Template(self.devices),
        }
        described["images"] = {
            "kernel": Template("$LG_IMAGES/zImage"),
            "dtb": quick("device-tree", name, self.tree),
        }
        described["options"]["known_kernel_log"] = [{"pattern": each} for each in self.known_log]
        # The image's login is on a port that this machine does not have.
        port = kernel_command_line(name).rsplit("console=", 1)[1]
        login = f"sed -i s/{port}/{self.console}/g /etc/inittab; exec /sbin/init"
        if self.first:
            login = f"mount -t proc proc /proc; modprobe {self.first}; umount /proc; {login}"
        append = (
            f"root=PARTLABEL=root rootwait rw gpt console={self.console},115200"
            f' {NO_C_DRIVERS} init=/bin/sh -- -c "{login}"'
        )
        return written(described, append, scratch)


def card():
    """The size in bytes of a card that holds the image: QEMU has none but powers of two."""
    return str(1 << ((images() / "sdcard.img").stat().st_size - 1).bit_length())


class Template(str):
    """A text in which labgrid replaces variables."""


class Loader(yaml.SafeLoader):
    """Keeps labgrid's templates."""


class Dumper(yaml.SafeDumper):
    """Writes labgrid's templates."""


Loader.add_constructor("!template", lambda _, node: Template(node.value))
Dumper.add_representer(Template, lambda dumper, text: dumper.represent_scalar("!template", text))


def edited(tree, scratch, options, *words):
    """The image's device tree, with what fdtput changed in it."""
    dtb = scratch / tree
    dtb.write_bytes((images() / tree).read_bytes())
    subprocess.run(["fdtput", *options, dtb, *words], check=True)
    return dtb


def described_board(name):
    """What board.yaml says."""
    # A SafeLoader's subclass: it makes plain values only.
    return yaml.load(board_yaml(name).read_text(), Loader=Loader)


def qemu_driver(described):
    """What board.yaml tells labgrid's QEMU driver."""
    drivers = described["targets"]["qemu"]["drivers"]
    (qemu,) = (each["QEMUDriver"] for each in drivers if "QEMUDriver" in each)
    return qemu


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


SD = "-drive if=sd,index=0,format=$LG_DISK_FORMAT,file=$LG_DISK"
# By the board whose suite they belong to; each has a name.
MACHINES = {
    "sifive_unleashed": {
        "plain": Machine("rust_mscc", "Microsemi VSC8541 SyncE"),
        "marvell": Untold(
            "rust_marvell",
            "Marvell 88E1111",
            tree="hifive-unleashed-a00.dtb",
            node="/soc/ethernet@10090000/ethernet-phy@0",
        ),
    },
    "microchip_icicle": {"plain": Machine("rust_marvell", "Marvell 88E1111")},
    "nxp_imx8mp_evk": {
        "plain": Machine("rust_smsc", "SMSC LAN911x Internal PHY"),
        "realtek": retold("rust_realtek", "RTL8211E Gigabit Ethernet", 0x001CC915),
        "motorcomm": retold("rust_motorcomm", "YT8531 Gigabit Ethernet", 0x4F51E91B),
        "dp83867": retold("rust_dp83867", "TI DP83867", 0x2000A231),
        "broadcom": retold("rust_broadcom", "Broadcom BCM54210E", 0x600D84A2),
        "mscc": retold("rust_mscc", "Microsemi VSC8531", 0x00070572),
        "micrel": retold("rust_micrel", "Micrel KSZ9031 Gigabit PHY", 0x00221622),
    },
    "qemu_arm": {
        "ast2600-evb": Rig(
            "rust_realtek",
            "RTL8211E Gigabit Ethernet",
            tree="aspeed/aspeed-ast2600-evb",
            console="ttyS0",
            needs="CONFIG_MACH_ASPEED_G6",
            machine="ast2600-evb",
            cpu="cortex-a7",
            memory="1G",
            # The slots for cards wait for a regulator behind a GPIO chip whose driver the kernel
            # lacks: the card is the eMMC. Which of the four MACs becomes eth0 is its choice too.
            devices=f"{SD.replace('index=0', 'index=2')} -nic user -nic user -nic user -nic user",
            known_log=(
                "error -EPERM: Error applying setting, reverse things back",
                "deferred probe pending: .*vcc-sdhci|regulator-vcc-sdhci. deferred probe pending",
            ),
            # The MAC looks for its PHY once, and the MDIO bus is a module of its own.
            first="mdio_aspeed",
        ),
        "cubieboard": Rig(
            "rust_realtek",
            "RTL8201CP Ethernet",
            tree="allwinner/sun4i-a10-cubieboard",
            console="ttyS0",
            needs="CONFIG_SUN4I_EMAC",
            machine="cubieboard",
            cpu="cortex-a8",
            memory="512M",
            devices=f"{SD} -nic user",
            known_log=(
                "failed to request dma channel. dma is disabled",
                "sun4i-emac .* using random MAC address",
                "sun4i-pinctrl .* supply vcc-pa not found",
            ),
        ),
        "mcimx6ul-evk": Rig(
            "rust_micrel",
            "Micrel KSZ8081 or KSZ8091",
            tree="nxp/imx/imx6ul-14x14-evk",
            console="ttymxc0",
            needs="CONFIG_SOC_IMX6UL",
            machine="mcimx6ul-evk",
            cpu="cortex-a7",
            memory="512M",
            # Which of the two becomes eth0 is the kernel's choice.
            devices=f"{SD} -nic user -nic user",
            known_log=("regulator-can-3v3: deferred probe pending",),
            stays="fec gives the MDIO bus of two MACs a name that it has already",
        ),
        "sabrelite": Rig(
            "rust_smsc",
            "SMSC LAN911x Internal PHY",
            tree="nxp/imx/imx6q-sabrelite",
            console="ttymxc1",
            needs="CONFIG_SOC_IMX6Q",
            machine="sabrelite",
            cpu="cortex-a9",
            memory="1G",
            devices="-smp 4 -drive if=none,id=card,format=$LG_DISK_FORMAT,file=$LG_DISK"
            " -device sd-card,drive=card -nic user -serial null",
            known_log=("mdio_bus .* ethernet-phy has invalid PHY address",),
        ),
    },
}
