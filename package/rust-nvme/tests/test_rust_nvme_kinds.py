# SPDX-License-Identifier: GPL-2.0
"""rust-nvme and controllers of rarer kinds: metadata, zones, small ones, slow ones, INTx."""

import time

import pytest
from nvme_disk import MODULE
from pexpect import TIMEOUT

SIZE = 16 << 20
# Bytes a second that hold nobody up.
FAST = 1 << 30


def QEMU_ARGS(_command, scratch):
    """A subsystem whose second namespace is detached, and controllers that have little."""
    for name in ("formats", "detached", "small", "slow", "zones"):
        with (scratch / f"{name}.img").open("wb") as disk:
            disk.truncate(SIZE)

    def drive(name, options=""):
        return f"-drive if=none,format=raw,id={name},file={scratch}/{name}.img{options}"

    return " ".join(
        [
            drive("formats"),
            drive("detached"),
            "-device nvme-subsys,id=subsystem",
            "-device nvme,id=nvformats,serial=formats,subsys=subsystem",
            "-device nvme-ns,drive=formats,bus=nvformats,nsid=1",
            "-device nvme-ns,drive=detached,bus=nvformats,nsid=2,shared=on,detached=on",
            # Queues of two entries, one pair of them, one vector, 8 KiB a command.
            drive("small"),
            "-device nvme,id=nvsmall,serial=small,drive=small,"
            "mqes=1,mdts=1,max_ioqpairs=1,msix_qsize=1",
            "-device nvme,id=nvempty,serial=empty",
            # Fast until a test says otherwise.
            drive("slow", f",throttling.bps-total={FAST}"),
            "-device nvme,id=nvslow,serial=slow,drive=slow",
            drive("zones"),
            "-device nvme,id=nvzones,serial=zones",
            "-device nvme-ns,drive=zones,bus=nvzones,nsid=1,zoned=true,zoned.zone_size=4M,"
            "zoned.zone_capacity=4M,logical_block_size=4096,physical_block_size=4096",
        ]
    )


@pytest.fixture
def formats(loaded):
    """The controller whose namespace the tests format; as it was, afterwards."""
    disk = loaded()("formats")
    yield disk
    form(disk, 0, 0, 0)


def form(disk, index, extended, protection):
    """Formats: 8 bytes of metadata a sector with index 1, 16 with 2; extended, they follow it."""
    options = f"--lbaf={index} --ms={extended} --pi={protection} --force"
    disk.shell.run_check(f"nvme format {disk.path} {options}", timeout=60)


def traits(disk):
    """What the kernel makes of a namespace."""
    block = f"/sys/block/{disk.path.removeprefix('/dev/')}"
    files = "integrity/format integrity/device_is_integrity_capable integrity/tag_size size"
    return disk.shell.run_check(f"cd {block} && cat {files} queue/logical_block_size")


FORMATS = {
    # format, capable, tag size
    (1, 0, 1): ["T10-DIF-TYPE1-CRC", "1", "2"],
    (2, 0, 3): ["T10-DIF-TYPE3-CRC", "1", "6"],
    (1, 0, 0): ["nop", "0", "0"],
    # The controller inserts and strips it.
    (1, 1, 1): ["none", "0", "0"],
    # Nobody does: no capacity.
    (1, 1, 0): ["none", "0", "0", "0"],
}


def test_metadata_looks_as_with_the_c_driver(shell, module, formats):
    seen = {}
    for kind, expected in FORMATS.items():
        form(formats, *kind)
        seen[kind] = traits(formats)
        assert seen[kind][: len(expected)] == expected
    module.unload()
    shell.run_check("modprobe nvme", timeout=60)
    try:
        for kind, with_rust in seen.items():
            form(formats, *kind)
            assert traits(formats) == with_rust
    finally:
        shell.run_check("rmmod nvme", timeout=60)
        module.load()


@pytest.mark.parametrize("kind", [(1, 0, 1), (2, 0, 3), (1, 0, 0), (1, 1, 1)])
def test_fio_verifies_with_metadata(formats, kind):
    form(formats, *kind)
    formats.fio(
        "rw=randwrite",
        "bsrange=512-256k",
        "size=4M",
        "iodepth=16",
        "ioengine=io_uring",
        "verify=crc32c",
    )


def test_metadata_travels_both_ways(shell, formats):
    """Eight bytes for each sector, in a buffer of their own and behind each sector."""
    shell.run_check("head -c 2048 /dev/urandom > /tmp/out; head -c 32 /dev/urandom > /tmp/tags")
    where = f"{formats.path} --start-block=8 --block-count=3"
    form(formats, 1, 0, 0)
    sizes = "--data-size=2048 --metadata-size=32"
    shell.run_check(f"nvme write {where} {sizes} --data=/tmp/out --metadata=/tmp/tags")
    shell.run_check(f"nvme read {where} {sizes} --data=/tmp/in --metadata=/tmp/read")
    shell.run_check("cmp /tmp/out /tmp/in && cmp /tmp/tags /tmp/read")
    form(formats, 1, 1, 0)
    shell.run_check("head -c 2080 /dev/urandom > /tmp/out")
    shell.run_check(f"nvme write {where} --data-size=2080 --data=/tmp/out")
    shell.run_check(f"nvme read {where} --data-size=2080 --data=/tmp/in")
    shell.run_check("cmp /tmp/out /tmp/in")


@pytest.mark.expects(r"Guard Check Error|protection error")
def test_false_protection_information_is_no_data(shell, formats):
    form(formats, 1, 0, 1)
    shell.run_check("head -c 512 /dev/urandom > /tmp/out; head -c 8 /dev/zero > /tmp/tags")
    shell.run_check(f"dd if=/tmp/out of={formats.path} bs=512 seek=9 count=1 oflag=direct")
    # Unchecked on its way in: a guard that the data does not have.
    shell.run_check(
        f"nvme write {formats.path} --start-block=8 --block-count=0 --prinfo=0 "
        "--data-size=512 --metadata-size=8 --data=/tmp/out --metadata=/tmp/tags"
    )
    read = f"dd if={formats.path} of=/tmp/in bs=512 count=1 iflag=direct"
    output, _, code = shell.run(f"{read} skip=8")
    assert code != 0
    assert "Invalid or incomplete multibyte" in "\n".join(output)
    shell.run_check(f"{read} skip=9 && cmp /tmp/out /tmp/in")


@pytest.mark.expects(r"critical medium|I/O error|rescanning")
def test_a_namespace_comes_and_goes(shell, formats):
    """The controller says so by an asynchronous event."""
    where = f"/dev/{formats.name} --namespace-id=2 --controllers=0"
    present = "cat /sys/block/nvme*n*/nsid | grep -qx 2"
    absent = f"! {{ {present}; }}"

    def soon(condition):
        tries = f"for i in $(seq 50); do {condition} && exit; sleep 0.2; done; exit 1"
        shell.run_check(tries, timeout=60)

    assert shell.run(present)[2] != 0
    shell.run_check(f"nvme attach-ns {where}", timeout=60)
    soon(present)
    disk = formats.namespace(2)
    shell.run_check(f"dd if={disk} of=/dev/null bs=64k count=16 iflag=direct")
    shell.run_check(f"nvme detach-ns {where}", timeout=60)
    soon(absent)


def test_io_uring_passthrough(formats):
    generic = formats.path.replace("nvme", "ng")
    formats.fio(
        "rw=randwrite",
        "bs=4k",
        "size=1M",
        "iodepth=16",
        "ioengine=io_uring_cmd",
        "cmd_type=nvme",
        # A character device knows no O_DIRECT.
        "direct=0",
        "verify=crc32c",
        path=generic,
    )


def test_one_queue_of_two_entries_and_one_vector(shell, loaded):
    small = loaded()("small")
    control = f"/sys/class/nvme/{small.name}"
    assert shell.run_check(f"cat {control}/queue_count {control}/sqsize") == ["2", "1"]
    lines = shell.run_check(f"grep -w {small.name}q1 /proc/interrupts")
    assert len(lines) == 1
    assert f"{small.name}q0, {small.name}q1" in lines[0]
    block = f"/sys/block/{small.path.removeprefix('/dev/')}/queue"
    assert shell.run_check(f"cat {block}/max_hw_sectors_kb") == ["8"]
    small.fio(
        "rw=randwrite",
        "bsrange=512-256k",
        "size=2M",
        "iodepth=16",
        "ioengine=io_uring",
        "verify=crc32c",
    )


def test_a_controller_without_namespaces(shell, loaded):
    empty = loaded()("empty")
    assert shell.run_check(f"cat /sys/class/nvme/{empty.name}/state") == ["live"]
    assert shell.run_check(f"nvme id-ctrl /dev/{empty.name}")
    assert shell.run(f"ls -d /sys/class/nvme/{empty.name}/nvme*n*")[2] != 0


@pytest.mark.expects(r"nvme\d+: resetting controller")
def test_intx(shell, loaded):
    """A function that may use no message has one line for all its queues."""
    disk = loaded()("small")
    messages = f"/sys/bus/pci/devices/{disk.function}/msi_bus"
    disk.unbind()
    shell.run_check(f"echo 0 > {messages}")
    try:
        disk.bind()
        lines = shell.run_check(f"grep -w {disk.name}q1 /proc/interrupts")
        assert len(lines) == 1
        assert f"{disk.name}q0, {disk.name}q1" in lines[0]
        assert "PCI-MSI" not in lines[0]
        disk.fio(
            "rw=randwrite",
            "bs=4k",
            "size=1M",
            "iodepth=16",
            "ioengine=libaio",
            "verify=crc32c",
        )
        shell.run_check(f"nvme reset /dev/{disk.name}", timeout=60)
        assert disk.reads()
        disk.unbind()
    finally:
        shell.run_check(f"echo 1 > {messages}")
    disk.bind()
    assert disk.reads()


@pytest.mark.expects(r"Zone Is Full|I/O error, dev nvme")
def test_zones(shell, loaded):
    zones = loaded()("zones")
    block = f"/sys/block/{zones.path.removeprefix('/dev/')}/queue"
    assert shell.run_check(f"cat {block}/zoned {block}/nr_zones") == ["host-managed", "4"]
    zones.fio(
        "zonemode=zbd",
        "rw=write",
        "bs=64k",
        "size=16M",
        "iodepth=4",
        "ioengine=libaio",
        "verify=crc32c",
    )
    # Behind a zone's write pointer there is no room.
    write = f"dd if=/dev/zero of={zones.path} bs=4k count=1 oflag=direct"
    assert shell.run(write)[2] != 0


@pytest.mark.expects(rf"nvme\d+: (I/O tag|abort status|resetting)|{MODULE}.*nvme\d+: I/O tag")
def test_a_command_that_hangs_is_aborted_and_the_controller_reset(board, shell, loaded):
    """The second 64 KiB wait for ten seconds; a retry, two timeouts later, gets them at once."""
    slow = loaded()("slow")
    shell.run_check("dd if=/dev/urandom of=/tmp/out bs=64k count=2")
    shell.run_check(f"cat /tmp/out > {slow.path}; sync")

    def allow(bytes_a_second):
        limits = {name: 0 for name in ("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr")}
        arguments = {"id": "nvslow", "bps": bytes_a_second, **limits}
        board.qemu.monitor_command("block_set_io_throttle", arguments)

    timeout = f"/sys/block/{slow.path.removeprefix('/dev/')}/queue/io_timeout"
    usual = shell.run_check(f"cat {timeout}")[0]
    # The retry has this long too: the loop below must see the reset, and lift the limit, by then.
    shell.run_check(f"echo 2000 > {timeout}")
    read = f"dd if={slow.path} of=/tmp/in bs=64k count=2 iflag=direct"
    logged = f"dmesg | grep -q '{slow.name}: I/O tag .*timed out, %s'"
    # QEMU stands still while the controller waits for such a read to end: not for long.
    allow((64 << 10) // 10)
    try:
        shell.run_check(f"({read}; echo $? > /tmp/code) > /dev/null 2>&1 &")
        for event in ("aborting", "resetting the controller"):
            tries = f"for i in $(seq 100); do {logged % event} && exit; sleep 0.1; done; exit 1"
            shell.run_check(tries, timeout=60)
    finally:
        allow(FAST)
    shell.run_check("while pidof dd > /dev/null; do sleep 0.1; done", timeout=60)
    shell.run(f"echo {usual} > {timeout}")
    assert shell.run_check("cat /tmp/code") == ["0"]
    shell.run_check("cmp /tmp/out /tmp/in")
    assert shell.run_check(f"cat /sys/class/nvme/{slow.name}/state") == ["live"]


def test_suspend_and_resume(board, shell, loaded):
    """To idle and back, with a key on the console; the files of the time before are there."""
    disk = loaded()("slow")
    shell.run_check(f"dd if=/dev/urandom of=/tmp/out bs=64k count=16; cat /tmp/out > {disk.path}")
    console = shell.run_check("grep -o '^tty[A-Z]*[0-9]*' /proc/consoles")[0]
    wakeup = f"$(readlink -f /sys/class/tty/{console})/power/wakeup"
    level = "/proc/sys/kernel/printk"
    before = shell.run_check(f"cut -f 1 {level}")[0]
    shell.run_check(f"sync; echo enabled > {wakeup}; echo 7 > {level}")
    # In the background: what the console says meanwhile is the kernel's.
    shell.run_check("(sleep 1; echo freeze > /sys/power/state; echo $? > /tmp/code) > /dev/null &")
    # The last line before the console goes down may lose letters; this one comes before it.
    board.expect("PM: suspend entry", 60)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        index = board.console.expect(["PM: suspend exit", TIMEOUT], timeout=2)[0]
        if index == 0:
            break
        board.console.sendline("")
    # What the namespaces' scans say still would cut the shell's answer.
    while board.console.expect(["\n", TIMEOUT], timeout=3)[0] == 0:
        assert time.monotonic() < end + 60, "the kernel goes on talking"
    shell.run_check(f"echo disabled > {wakeup}; echo {before} > {level}")
    assert shell.run_check("cat /tmp/code") == ["0"]
    shell.run_check(f"echo 3 > /proc/sys/vm/drop_caches; cmp -n 1048576 /tmp/out {disk.path}")
