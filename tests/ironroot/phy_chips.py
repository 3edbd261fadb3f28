# SPDX-License-Identifier: MIT
"""What each chip powers up with, as scripts for phy_sim: no link, and the interrupt wired."""

from dataclasses import dataclass

from ironroot.phy import LPA, basic_phy

WIRED = "wire 0"
GIGABIT_BMSR = 0x7949

# SMSC: registers and bits that scripts and tests share.
MODE_CONTROL_STATUS, SPECIAL_MODES, SYMBOL_ERRORS = 17, 18, 26
INTERRUPT_SOURCE = 29
ENERGYON = 0x0002
SMSC = {
    "LAN83C185": 0x0007C0A1,
    "LAN8187": 0x0007C0B1,
    "LAN8700": 0x0007C0C4,
    "LAN911x": 0x0007C0D1,
    "LAN8710": 0x0007C0F1,
    "LAN9500A": 0x0007C0F0,
    "LAN8740": 0x0007C111,
    "LAN8742": 0x0007C131,
}

# Realtek.
PAGSR, EXT_PAGE_SELECT, INSR = 31, 30, 29
REALTEK = {
    "RTL8201CP": 0x00008201,
    "RTL8201F": 0x001CC816,
    "RTL8211E": 0x001CC915,
    "RTL8211F": 0x001CC916,
    "RTL8211F-VD": 0x001CC878,
}
# Register with the pending interrupts, and the bit for a link that changed; else INSR, 1 << 4.
PENDING = {"RTL8201F": (30, 1 << 11), "RTL8211E": (19, 1 << 10)}

# Marvell.
INTERRUPT_STATUS, EXT_CONTROL, RECEIVE_ERRORS, EXT_ADDRESS, EXT_STATUS = 19, 20, 21, 22, 27

# Motorcomm: register 30 selects which extended register 31 shows, each a page of its own here.
EXT_SELECT, EXT_DATA = 30, 31
MOTORCOMM = {"YT8511": 0x0000010A, "YT8521": 0x0000011A, "YT8531": 0x4F51E91B}

# Microsemi.
INT_MASK, INT_STATUS = 25, 26
MSCC = {"VSC8531": 0x00070572, "VSC8541": 0x00070771}


def smsc(chip, special_modes=0x00E0):
    """A PHY of SMSC's, which detects energy."""
    return [
        *basic_phy(SMSC[chip]),
        f"reg 0 0 {MODE_CONTROL_STATUS} {ENERGYON}",
        f"reg 0 0 {SPECIAL_MODES} {special_modes}",
        f"reg 0 0 {SYMBOL_ERRORS} 7",
        f"readclear 0 0 {INTERRUPT_SOURCE} {0xFF}",
        WIRED,
    ]


def realtek(chip):
    """A PHY of Realtek's."""
    register, _ = PENDING.get(chip, (INSR, 0))
    gigabit = chip.startswith("RTL8211")
    return [
        *basic_phy(REALTEK[chip], GIGABIT_BMSR if gigabit else 0x7809),
        f"reg 0 0 15 {0x2000 if gigabit else 0}",
        f"banks 0 {PAGSR} 16 30",
        f"window 0 7 {EXT_PAGE_SELECT}",
        f"readclear 0 0 {register} {0xFFFF}",
        WIRED,
    ]


def m88e1111():
    """Marvell's 88E1111."""
    return [
        *basic_phy(0x01410CC2, GIGABIT_BMSR),
        f"reg 0 0 15 {0x2000}",
        f"banks 0 {EXT_ADDRESS} 0 28",
        f"selfclear 0 1 0 {0x8200}",
        f"reg 0 0 {EXT_CONTROL} {0x0C60}",
        f"reg 0 0 {EXT_STATUS} {0x848B}",
        f"readclear 0 0 {INTERRUPT_STATUS} {0xFFFF}",
        f"readclear 0 0 {RECEIVE_ERRORS} {0xFFFF}",
        WIRED,
    ]


def motorcomm(chip, extended=None):
    """A PHY of Motorcomm's; `extended` gives extended registers their values."""
    return [
        *basic_phy(MOTORCOMM[chip], GIGABIT_BMSR),
        f"reg 0 0 15 {0x2000}",
        f"banks 0 {EXT_SELECT} {EXT_DATA} {EXT_DATA}",
        *(f"reg 0 {reg} {EXT_DATA} {value}" for reg, value in (extended or {}).items()),
    ]


def mscc(chip):
    """A PHY of Microsemi's."""
    return [
        *basic_phy(MSCC[chip], GIGABIT_BMSR),
        f"reg 0 0 15 {0x2000}",
        "banks 0 31 0 30",
        f"readclear 0 0 {INT_STATUS} {0xFFFF}",
        WIRED,
    ]


def m88e1510():
    """Marvell's 88E1510, and 88E1512."""
    return [
        *basic_phy(0x01410DD1, GIGABIT_BMSR),
        f"reg 0 0 15 {0x3000}",
        f"banks 0 {EXT_ADDRESS} 0 28",
        f"selfclear 0 1 0 {0x8200}",
        f"reg 0 1 0 {0x1140}",
        f"reg 0 0 16 {0x3360}",
        f"reg 0 2 16 {0x0408}",
        f"reg 0 3 16 {0x1030}",
        f"reg 0 3 18 {0x4A05}",
        f"selfclear 0 17 16 {0x1000}",
        f"selfclear 0 18 20 {0x8000}",
        f"selfclear 0 7 21 {0x8000}",
        *(
            f"readclear 0 {page} {register} {0xFFFF}"
            for page in (0, 1)
            for register in (INTERRUPT_STATUS, RECEIVE_ERRORS)
        ),
        WIRED,
    ]


def dp83867():
    """Texas Instruments' DP83867."""
    return [
        *basic_phy(0x2000A231, GIGABIT_BMSR),
        f"reg 0 0 15 {0x3000}",
        f"reg 0 0 16 {0x5048}",
        f"reg 0 0 20 {0x29C7}",
        f"reg 0 0 24 {0x6150}",
        f"readclear 0 0 19 {0xFFFF}",
        f"selfclear 0 0 31 {0xC000}",
        f"mmd 0 31 {0x31} {0x10B0}",
        f"mmd 0 31 {0x32} {0x00D3}",
        f"mmd 0 31 {0x86} {0x0077}",
        f"mmd 0 31 {0x170} {0x0C0F}",
        WIRED,
    ]


# Micrel.
KSZ_INTERRUPT, KSZ8081_LINKMD, KSZ9X31_LINKMD = 27, 29, 18
MICREL = {"KSZ8081": 0x00221561, "KSZ9031": 0x00221622, "KSZ9131": 0x00221640}


def micrel(chip):
    """A PHY of Micrel's."""
    gigabit = chip != "KSZ8081"
    pad_skews = {2: {0: 0x10, 4: 0x77, 5: 0x7777, 6: 0x7777, 8: 0x01EF, 76: 0x1B, 77: 0x100B}}
    mmds = {0: {3: 0x5464, 4: 0x0003}, 0x1C: {0x23: 0x0002}, **pad_skews} if gigabit else {}
    linkmd, status = (KSZ9X31_LINKMD, 0x03FF) if gigabit else (KSZ8081_LINKMD, 0x7FFF)
    return [
        *basic_phy(MICREL[chip], GIGABIT_BMSR if gigabit else 0x7809),
        f"reg 0 0 15 {0x3000 if gigabit else 0}",
        f"reg 0 0 21 {0}",
        f"readclear 0 0 21 {0xFFFF}",
        f"reg 0 0 22 {0x8023}",
        f"readclear 0 0 {KSZ_INTERRUPT} {0xFF}",
        f"readonly 0 0 {linkmd} {status}",
        f"selfclear 0 0 {linkmd} {0x8000}",
        f"reg 0 0 31 {0x4340 if gigabit else 0x8380}",
        *(f"mmd 0 {devad} {reg} {value}" for devad in mmds for reg, value in mmds[devad].items()),
        WIRED,
    ]


# Broadcom. Whatever is written to select it, a register behind AUX_CTL or SHD reads the same.
AUX_CTL, SHD, EXP_DATA, EXP_SEL, ISR = 24, 28, 21, 23, 26
BROADCOM = {"BCM54210E": 0x600D84A0, "BCM54213PE": 0x600D84A2}


def broadcom(chip, aux_ctl=0x71E7, shadow=0x0221):
    """A PHY of Broadcom's."""
    return [
        *basic_phy(BROADCOM[chip], GIGABIT_BMSR),
        f"reg 0 0 15 {0x3000}",
        f"banks 0 {EXP_SEL} {EXP_DATA} {EXP_DATA}",
        f"readclear 0 0 {ISR} {0xFFFF}",
        *(
            f"{kind} 0 0 {register} {value}"
            for register, preset in ((AUX_CTL, aux_ctl), (SHD, shadow))
            for kind, value in (("reg", preset), ("readonly", 0xFFFF))
        ),
        WIRED,
    ]


@dataclass(frozen=True)
class Family:
    """One chip for what all chips of a family do alike."""

    chip: str
    power_up: list[str]
    mode: str
    # BMSR without a link.
    bmsr: int
    # What registers say of a link at 100 Mbit/s, full duplex.
    link: dict[int, int]
    # The register that says that a link came or went, and its bits; none where C has no interrupt.
    interrupt: tuple[int, int] | None

    def unwired(self):
        """The script of a PHY that has to be polled."""
        return [line for line in self.power_up if line != WIRED]


FAMILIES = {
    "smsc": Family(
        "LAN8742", smsc("LAN8742"), "rmii", 0x7809, {LPA: 0x45E1}, (INTERRUPT_SOURCE, 0x0050)
    ),
    "realtek": Family(
        "RTL8211F",
        realtek("RTL8211F"),
        "rgmii-id",
        GIGABIT_BMSR,
        {LPA: 0x45E1, 26: 0x18},
        (INSR, 1 << 4),
    ),
    "marvell": Family(
        "88E1111",
        m88e1111(),
        "rgmii-id",
        GIGABIT_BMSR,
        {LPA: 0x45E1, 17: 0x6C00},
        (INTERRUPT_STATUS, 0x0400),
    ),
    "motorcomm": Family(
        "YT8531", motorcomm("YT8531"), "rgmii-id", GIGABIT_BMSR, {LPA: 0x45E1}, None
    ),
    "mscc": Family(
        "VSC8541",
        mscc("VSC8541"),
        "rgmii-id",
        GIGABIT_BMSR,
        {LPA: 0x45E1},
        (INT_STATUS, 0xA000),
    ),
    "dp83867": Family(
        "DP83867",
        dp83867(),
        "rgmii-id",
        GIGABIT_BMSR,
        {LPA: 0x45E1, 17: 0x6C00},
        (19, 0x0400),
    ),
    "micrel": Family(
        "KSZ8081", micrel("KSZ8081"), "rmii", 0x7809, {LPA: 0x45E1}, (KSZ_INTERRUPT, 0x0005)
    ),
    "broadcom": Family(
        "BCM54213PE",
        broadcom("BCM54213PE"),
        "rgmii-rxid",
        GIGABIT_BMSR,
        {LPA: 0x45E1},
        (ISR, 1 << 1),
    ),
}
