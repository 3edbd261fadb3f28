# SPDX-License-Identifier: MIT
"""Each board's card: what the boot ROM and U-Boot look for is where they look for it.

genimage makes each image out of small stand-ins; the numbers are compared with the image's bytes.
"""

import os
import re
import shutil
import struct
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from ironroot.image import BOARDS, KIB, MIB, inputs, make_image, stand_in
from ironroot.quick import CHECKOUT

SECTOR = 512
# UEFI specification 2.10, 5.3.2: the header is in the second block and says where its entries are.
HEADER = SECTOR
# Linux file system data: systemd's Discoverable Partitions Specification, as libblkid names it.
LINUX_DATA = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4")
# UEFI specification 2.10, table 5.6; U-Boot's `part list -bootable` takes partitions that have
# it (disk/part_efi.c, is_bootable).
LEGACY_BIOS_BOOTABLE = 1 << 2
BOOT_STARTS = 8 * MIB
# Boards whose boot loader needs more than that.
BOOT_STARTS_LATER = {"pine64_rockpro64": 16 * MIB, "radxa_rock_5b": 16 * MIB}


@dataclass
class Loader:
    """A boot loader, and the first byte behind it that is another's.

    Where the stage before looks for a partition, that one's type is `kind`; without it the loader
    is outside the partitions.
    """

    file: str
    offset: int
    end: int
    kind: uuid.UUID | None = None


# "ZSBL loads the U-Boot SPL from a partition with GUID type 5B193300…", the SPL U-Boot from a
# sector (CONFIG_SYS_MMCSD_RAW_MODE_U_BOOT_SECTOR of Debian's builds) in one of the other type:
# U-Boot 2025.01, doc/board/sifive/unmatched.rst; FU540-C000 manual, Boot Process. The environment
# is in SPI flash.
SIFIVE_SPL = uuid.UUID("5B193300-FC78-40CD-8002-E86C45580B47")
SIFIVE_U_BOOT = uuid.UUID("2E54B353-1271-4842-806F-E436D6AF6985")
STARFIVE_SPL = uuid.UUID("2E54B353-1271-4842-806F-E436D6AF6985")
STARFIVE_U_BOOT = uuid.UUID("BC13C2FF-59E6-4262-A352-B275FD6F7172")
HSS_PAYLOAD = uuid.UUID("21686148-6449-6E6F-744E-656564454649")
SIFIVE = [
    Loader("u-boot-spl.bin", 34 * SECTOR, 0x822 * SECTOR, SIFIVE_SPL),
    Loader("u-boot.itb", 0x822 * SECTOR, 8 * MIB, SIFIVE_U_BOOT),
]
# Rockchip's boot ROM looks for its loader in sector 64 of a card, whose SPL takes the rest from
# sector 16384: U-Boot 2025.01, doc/board/rockchip/rockchip.rst, and
# CONFIG_SYS_MMCSD_RAW_MODE_U_BOOT_SECTOR of Debian's rockpro64-rk3399, as of U-Boot's own. The
# environment is in SPI flash.
ROCKCHIP_LOADER, ROCKCHIP_U_BOOT = 64 * SECTOR, 0x4000 * SECTOR
LOADERS = {
    # Emulated boards take theirs from files.
    "qemu_aarch64": [],
    "qemu_arm": [],
    "qemu_riscv64": [],
    # "All Allwinner SoCs will try to find a boot image at sector 16 (8KB)": U-Boot 2025.01,
    # doc/board/allwinner/sunxi.rst; H3 datasheet, BROM. U-Boot's environment is a file on the boot
    # partition: CONFIG_ENV_IS_IN_FAT of Debian's orangepi_pc_plus. What ends it is our table.
    "xunlong_orangepi_pc": [Loader("u-boot-sunxi-with-spl.bin", 16 * SECTOR, 1008 * KIB)],
    # "dd if=u-boot.imx of=/dev/sXx bs=512 seek=2": U-Boot 2025.01,
    # board/boundary/nitrogen6x/README.mx6qsabrelite; i.MX 6Dual/6Quad reference manual, System
    # Boot, Image Vector Table offset of SD cards. The environment: CONFIG_ENV_OFFSET=0xC0000 of
    # Debian's mx6qsabrelite, as of U-Boot's own.
    "boundary_sabrelite": [Loader("u-boot-dtb.imx", 2 * SECTOR, 0xC0000)],
    "sifive_unleashed": SIFIVE,
    "sifive_unmatched": SIFIVE,
    # "The device firmware loads U-Boot SPL from the partition with type GUID 2E54B353…", the SPL
    # U-Boot from partition 2 (CONFIG_SYS_MMCSD_RAW_MODE_U_BOOT_PARTITION of Debian's build, as of
    # U-Boot's own); the places are those of the example and of U-Boot's variable `partitions`:
    # U-Boot 2025.01, doc/board/starfive/visionfive2.rst. The environment is in SPI flash.
    "starfive_visionfive2": [
        Loader("u-boot-spl.bin.normal.out", 0x1000 * SECTOR, 0x2000 * SECTOR, STARFIVE_SPL),
        Loader("u-boot.itb", 0x2000 * SECTOR, 0x4000 * SECTOR, STARFIVE_U_BOOT),
    ],
    # "The HSS always picks up HSS payload from a GPT partition with GUID type 21686148…": U-Boot,
    # doc/board/microchip/mpfs_icicle.rst; where it is on the card does not matter.
    "microchip_icicle": [Loader("payload.bin", MIB, 8 * MIB, HSS_PAYLOAD)],
    # Its boot loader is in the board's eMMC, or comes over USB.
    "sipeed_licheepi_4a": [],
    "pine64_rockpro64": [
        Loader("idbloader.img", ROCKCHIP_LOADER, ROCKCHIP_U_BOOT),
        Loader("u-boot.itb", ROCKCHIP_U_BOOT, 16 * MIB),
    ],
    # U-Boot is a file on the boot partition, as its environment is: CONFIG_ENV_IS_IN_FAT of
    # Debian's rpi_3 and rpi_4.
    "raspberrypi_3b": [],
    "raspberrypi_4b": [],
    # These the user adds, in ROOM.
    "nxp_imx8mp_evk": [],
    "radxa_rock_5b": [],
}
# Where the readme tells the user to write a boot loader that no free build gives.
ROOM = {
    # i.MX 8M Plus reference manual, 6.1 System Boot: the image container is at 32 KiB of a card;
    # U-Boot 2025.01, doc/board/nxp/imx8mp_evk.rst: "dd if=flash.bin of=/dev/sd[x] bs=1K seek=32".
    # U-Boot's environment: CONFIG_ENV_OFFSET=0x400000 of imx8mp_evk_defconfig.
    "nxp_imx8mp_evk": (32 * KIB, 4 * MIB),
    # u-boot-rockchip.bin, which has both parts at their distance.
    "radxa_rock_5b": (ROCKCHIP_LOADER, 16 * MIB),
}
# And the licence of the part that is not free.
LICENCES = {
    "nxp_imx8mp_evk": "by NXP, for use with NXP's parts only (LA_OPT_NXP_Software_License)",
    "radxa_rock_5b": "by Rockchip, redistributable as it is for use with Rockchip's chips (LICENSE",
}
# The boot ROM of a Raspberry Pi 3 reads the card's MBR and takes the first partition of a FAT type
# that it knows; some ROMs fail on FAT16: raspberrypi/firmware, issues 1711 and 1738, and the
# documentation's "Raspberry Pi boot modes". The files that it and the GPU read there: "Boot folder
# contents", and what config.txt names.
GPU_BOOT_FILES = {
    "raspberrypi_3b": ["bootcode.bin", "start.elf", "fixup.dat", "LICENCE.broadcom"],
    "raspberrypi_4b": ["start4.elf", "fixup4.dat", "LICENCE.broadcom"],
}
FAT32_LBA, PROTECTIVE = 0x0C, 0xEE


def boot_starts(board):
    return BOOT_STARTS_LATER.get(board, BOOT_STARTS)


def device_trees(board):
    """The device trees that the board's defconfig names."""
    text = (CHECKOUT / "configs" / f"{board}_defconfig").read_text()
    named = re.search(r'^BR2_LINUX_KERNEL_INTREE_DTS_NAME="(.*)"$', text, re.M)
    return [name.rsplit("/", 1)[1] for name in named[1].split()] if named else []


@pytest.fixture(scope="module", params=BOARDS)
def board(request):
    return request.param


@pytest.fixture(scope="module")
def image(board, tmp_path_factory):
    """The board's image, as an open file."""
    images = tmp_path_factory.mktemp(board)
    # A boot loader as large as its place.
    sizes = {loader.file: loader.end - loader.offset for loader in LOADERS[board]}
    made = make_image(board, images, sizes=sizes)
    assert made.returncode == 0, made.stderr
    with (images / "sdcard.img").open("rb") as file:
        yield file
    shutil.rmtree(images)


def at(image, offset, length):
    image.seek(offset)
    return image.read(length)


@dataclass
class Table:
    """A GUID partition table's entries and where they are."""

    start: int
    end: int
    partitions: dict


@dataclass
class Partition:
    number: int
    kind: uuid.UUID
    start: int
    end: int
    attributes: int


@pytest.fixture(scope="module")
def table(image):
    header = at(image, HEADER, 92)
    assert header[:8] == b"EFI PART"
    lba, count, size = struct.unpack("<QII", header[72:88])
    partitions = {}
    for number in range(count):
        entry = at(image, lba * SECTOR + number * size, size)
        first, last, attributes = struct.unpack("<QQQ", entry[32:56])
        if name := entry[56:128].decode("utf-16-le").rstrip("\0"):
            kind = uuid.UUID(bytes_le=entry[:16])
            extent = first * SECTOR, (last + 1) * SECTOR
            partitions[name] = Partition(number + 1, kind, *extent, attributes)
    return Table(lba * SECTOR, lba * SECTOR + count * size, partitions)


def test_genimage_takes_what_a_build_makes(board):
    """Nothing more: the images above have stand-ins for whatever genimage.cfg names."""
    made = {"Image", "zImage", "rootfs.ext4", *(f"{name}.dtb" for name in device_trees(board))}
    made |= {loader.file for loader in LOADERS[board]}
    if board in GPU_BOOT_FILES:
        made.add("u-boot.bin")
        made |= {f"rpi-firmware/{name}" for name in [*GPU_BOOT_FILES[board], "config.txt"]}
    assert inputs(board) <= made


def test_every_boot_loader_is_where_the_boot_rom_looks(board, image):
    for loader in LOADERS[board]:
        expected = stand_in(loader.file, loader.end - loader.offset)
        assert at(image, loader.offset, len(expected)) == expected


def test_every_boot_loader_is_in_the_partition_that_is_looked_for(board, table):
    """The first ones, in the order in which they boot: some stages count, others go by the type."""
    places = [loader for loader in LOADERS[board] if loader.kind]
    for number, loader in enumerate(places, start=1):
        partition = next(found for found in table.partitions.values() if found.number == number)
        expected = Partition(number, loader.kind, loader.offset, loader.end, attributes=0)
        assert partition == expected


def test_the_boot_loader_and_the_table_leave_each_other_alone(board, table):
    for loader in LOADERS[board]:
        assert loader.offset >= HEADER + SECTOR
        assert loader.end <= table.start or table.end <= loader.offset
    assert table.end <= boot_starts(board)


def test_a_larger_boot_loader_is_refused(board):
    """What does not fit its place stops the build: genimage has its size."""
    text = (CHECKOUT / "board" / board / "genimage.cfg").read_text()
    for loader in LOADERS[board]:
        place = text.split(f'image = "{loader.file}"')[1].split("}")[0]
        offset, size = (
            int(place.split(f"{word} = ")[1].split("K")[0]) * KIB for word in ("offset", "size")
        )
        assert (offset, offset + size) == (loader.offset, loader.end)


def test_partitions_are_those_that_u_boot_and_the_kernel_look_for(board, table):
    """U-Boot takes the bootable one, the kernel the one that is called root, grow-root the last."""
    boot, root = table.partitions["boot"], table.partitions["root"]
    assert list(table.partitions)[-2:] == ["boot", "root"]
    assert len(table.partitions) == 2 + sum(bool(loader.kind) for loader in LOADERS[board])
    assert (boot.kind, root.kind) == (LINUX_DATA, LINUX_DATA)
    assert boot.start == boot_starts(board)
    assert boot.attributes & LEGACY_BIOS_BOOTABLE
    assert not root.attributes & LEGACY_BIOS_BOOTABLE
    assert root.start == boot.end
    assert root.start % MIB == 0


def test_the_boot_partition_has_what_extlinux_conf_names(board, image, table):
    conf = (CHECKOUT / "board" / board / "extlinux.conf").read_text()
    named = re.findall(r"^\s*(?:kernel|fdt) (.*)$", conf, re.M)
    assert named
    for name in [*named, "/extlinux/extlinux.conf"]:
        found = subprocess.run(
            ["mtype", "-i", f"{image.name}@@{table.partitions['boot'].start}", f"::{name}"],
            capture_output=True,
            check=True,
        )
        assert found.stdout == (Path(image.name).parent / Path(name).name).read_bytes()


@pytest.mark.parametrize("board", ROOM, indirect=True)
def test_a_boot_loader_that_the_user_adds_has_its_room(board, image, table):
    start, end = ROOM[board]
    assert table.end <= start
    assert end <= table.partitions["boot"].start
    assert not any(at(image, start, end - start))
    readme = (CHECKOUT / "board" / board / "readme.md").read_text()
    assert f"bs=1K seek={start // KIB} " in readme


@pytest.mark.parametrize("board", ROOM, indirect=True)
def test_an_image_without_what_is_not_free_says_so(board, tmp_path):
    """Which files, whose, under which licence: those that the readme's table calls not free."""
    readme = (CHECKOUT / "board" / board / "readme.md").read_text()
    cells = "".join(re.findall(r"^\| (`.*?) \|.*\| no: .*\|$", readme, re.M))
    missing = re.findall(r"`([^`]+\.bin)`", cells)
    assert missing
    made = make_image(board, tmp_path)
    assert made.returncode == 0, made.stderr
    for words in [*missing, LICENCES[board], f"board/{board}/readme.md"]:
        assert words in made.stdout


@pytest.mark.parametrize("board", GPU_BOOT_FILES, indirect=True)
def test_the_gpu_finds_its_files_in_the_mbrs_first_partition(board, image, table):
    """The MBR has the boot partition, and says that there is a GUID table, whose kernel's parser
    wants this entry to begin in block 1 (block/partitions/efi.c, is_pmbr_valid)."""
    mbr = at(image, 446, 66)
    assert mbr[64:] == b"\x55\xaa"
    kinds = [(mbr[at + 4], *struct.unpack("<II", mbr[at + 8 : at + 16])) for at in range(0, 64, 16)]
    boot = table.partitions["boot"]
    assert kinds[0] == (FAT32_LBA, boot.start // SECTOR, (boot.end - boot.start) // SECTOR)
    assert kinds[1][:2] == (PROTECTIVE, 1)
    assert [kind for kind, _, _ in kinds[2:]] == [0, 0]
    # Microsoft's FAT specification 1.03, BS_FilSysType of FAT32.
    assert at(image, boot.start + 82, 8) == b"FAT32   "
    config = (CHECKOUT / "board" / board / "config.txt").read_text()
    named = re.findall(r"^(?:kernel|device_tree)=(.*)$", config, re.M)
    assert named == ["u-boot.bin", f"{device_trees(board)[0]}.dtb"]
    for name in [*GPU_BOOT_FILES[board], "config.txt", *named]:
        command = ["mtype", "-i", f"{image.name}@@{boot.start}", f"::{name}"]
        subprocess.run(command, capture_output=True, check=True)


def test_an_sd_cards_image_is_a_card_that_qemu_takes(board, image):
    """QEMU refuses SD cards of other sizes than powers of two (hw/sd/sd.c)."""
    text = (CHECKOUT / "board" / board / "board.yaml").read_text()
    if "if=sd," not in text and "-device sd-card," not in text:
        pytest.skip("QEMU has no SD card there")
    size = os.fstat(image.fileno()).st_size
    assert size & (size - 1) == 0
