# SPDX-License-Identifier: GPL-2.0
"""rust-nvme on a board with three NVMe controllers: commands, I/O, resets, faults."""

import re

import pytest
from ironroot.module import Module
from nvme_disk import DRIVERS, MODULE, Disk

# Bytes of each disk; on the host they are sparse.
SIZE = 64 << 20


def QEMU_ARGS(_command, scratch):
    """A plain disk, a device with two namespaces, and one with a sector that cannot be read."""
    for name in ("plain", "first", "second", "failing"):
        with (scratch / f"{name}.img").open("wb") as disk:
            disk.truncate(SIZE)
    rules = scratch / "failing.conf"
    rules.write_text('[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "10000"\n')
    drive = "-drive if=none,format=raw,discard=unmap"
    return " ".join(
        [
            f"{drive},id=plain,file={scratch}/plain.img",
            "-device nvme,id=nvplain,serial=plain,drive=plain,max_ioqpairs=4",
            f"{drive},id=first,file={scratch}/first.img",
            f"{drive},id=second,file={scratch}/second.img",
            "-device nvme,id=nvspaces,serial=spaces",
            "-device nvme-ns,drive=first,bus=nvspaces,nsid=1,logical_block_size=512",
            "-device nvme-ns,drive=second,bus=nvspaces,nsid=2,"
            "logical_block_size=4096,physical_block_size=4096",
            f"-drive if=none,id=failing,file.driver=blkdebug,file.config={rules},"
            f"file.image.driver=file,file.image.filename={scratch}/failing.img,format=raw",
            "-device nvme,id=nvfailing,serial=failing,drive=failing",
        ]
    )


@pytest.fixture
def disk(loaded):
    """The plain controller."""
    return loaded()("plain")


def test_module_carries_the_class_of_all_nvme_controllers(shell):
    aliases = "\n".join(shell.run_check(f"modinfo -F alias {MODULE}"))
    assert "bc01sc08i02" in aliases


def test_nvme_list_names_what_qemu_gave(shell, disk):
    listed = "\n".join(shell.run_check("nvme list"))
    for serial in ("plain", "spaces", "failing"):
        assert serial in listed
    assert shell.run_check(f"cat /sys/class/nvme/{disk.name}/transport") == ["pcie"]
    assert shell.run_check(f"cat /sys/class/nvme/{disk.name}/address") == [disk.function]
    assert shell.run_check(f"cat /sys/class/nvme/{disk.name}/state") == ["live"]


def test_each_cpu_has_a_queue_with_an_interrupt(shell, disk):
    cpus = int(shell.run_check("nproc")[0])
    number = disk.name.removeprefix("nvme")
    lines = shell.run_check(f"grep -w 'nvme{number}q[0-9]*$' /proc/interrupts")
    assert len(lines) == 1 + min(cpus, 4)
    count = shell.run_check(f"cat /sys/class/nvme/{disk.name}/queue_count")
    assert count == [str(1 + min(cpus, 4))]


@pytest.mark.parametrize("command", ["id-ctrl", "smart-log", "fw-log", "error-log", "show-regs"])
def test_admin_commands(shell, disk, command):
    assert shell.run_check(f"nvme {command} /dev/{disk.name}")


def test_namespace_commands(shell, loaded):
    spaces = loaded()("spaces")
    assert "nlbaf" in "\n".join(shell.run_check(f"nvme id-ns {spaces.path}"))
    ids = "\n".join(shell.run_check(f"nvme list-ns /dev/{spaces.name}"))
    assert ids.count("0x") == 2


def test_features_can_be_got_and_set(shell, disk):
    control = f"/dev/{disk.name}"
    before = shell.run_check(f"nvme get-feature {control} -f 4")[0]
    shell.run_check(f"nvme set-feature {control} -f 4 -V 0x14d")
    assert "0x0000014d" in shell.run_check(f"nvme get-feature {control} -f 4")[0]
    old = re.search(r"0x[0-9a-f]{8}$", before)
    shell.run_check(f"nvme set-feature {control} -f 4 -V {old[0]}")


def test_passthrough_reads_what_was_written(shell, disk):
    shell.run_check("dd if=/dev/urandom of=/tmp/out bs=4096 count=2 2>/dev/null")
    common = f"{disk.path} --start-block=8 --block-count=15 --data-size=8192"
    shell.run_check(f"nvme write {common} --data=/tmp/out")
    shell.run_check(f"nvme read {common} --data=/tmp/in")
    shell.run_check("cmp /tmp/out /tmp/in")


def test_format_wipes(shell, loaded):
    spaces = loaded()("spaces")
    shell.run_check(f"dd if=/dev/urandom of={spaces.path} bs=64k count=1 oflag=direct")
    shell.run_check(f"nvme format {spaces.path} --lbaf=0 --force", timeout=60)
    shell.run_check(f"cmp -n 65536 {spaces.path} /dev/zero")


@pytest.mark.parametrize("engine", ["libaio", "io_uring"])
@pytest.mark.parametrize("size", ["bs=512", "bs=4k", "bsrange=512-1M", "bs=1M"])
def test_fio_verifies_random_writes(disk, engine, size):
    total = "2M" if size == "bs=512" else "16M"
    disk.fio(
        "rw=randwrite", size, f"size={total}", "iodepth=32", f"ioengine={engine}", "verify=crc32c"
    )


@pytest.mark.parametrize(("depth", "jobs"), [(1, 1), (128, 4)])
def test_fio_verifies_sequential_writes(disk, depth, jobs):
    # Each job verifies its own part of the disk.
    disk.fio(
        "rw=write",
        "bs=64k",
        "size=8M",
        "offset_increment=16M",
        f"numjobs={jobs}",
        f"iodepth={depth}",
        "ioengine=libaio",
        "verify=crc32c",
    )


def test_fio_with_flushes_and_trims(disk):
    disk.fio("rw=randwrite", "bs=4k", "size=4M", "fsync=8", "ioengine=psync", "verify=crc32c")
    disk.fio("rw=randtrimwrite", "bs=64k", "size=16M", "iodepth=8", "ioengine=libaio")


def test_a_core_built_command_does_the_same(loaded):
    loaded("core_commands=Y")("plain").fio(
        "rw=randwrite", "bs=4k", "size=4M", "iodepth=32", "ioengine=libaio", "verify=crc32c"
    )


def test_namespace_with_sectors_of_4096_bytes(shell, loaded):
    spaces = loaded()("spaces")
    second = spaces.namespace(2)
    block = f"/sys/block/{second.removeprefix('/dev/')}/queue/logical_block_size"
    assert shell.run_check(f"cat {block}") == ["4096"]
    spaces.fio(
        "rw=randwrite",
        "bs=4k",
        "size=8M",
        "iodepth=16",
        "ioengine=libaio",
        "verify=crc32c",
        path=second,
    )


@pytest.mark.expects(r"supports timestamps until 2038")
def test_file_system_survives_a_reload(shell, disk, module):
    shell.run_check(f"mke2fs -F {disk.path} > /dev/null", timeout=60)
    shell.run_check(f"mkdir -p /tmp/disk && mount -t ext4 {disk.path} /tmp/disk")
    try:
        shell.run_check("dd if=/dev/urandom of=/tmp/disk/x bs=64k count=64 2>/dev/null")
        before = shell.run_check("md5sum < /tmp/disk/x")
        # An open file system holds the module.
        assert shell.run(f"rmmod {MODULE}")[2] != 0
    finally:
        shell.run_check("umount /tmp/disk", timeout=60)
    module.unload()
    module.load()
    shell.run_check(f"mount -t ext4 {disk.path} /tmp/disk")
    try:
        assert shell.run_check("md5sum < /tmp/disk/x") == before
    finally:
        shell.run_check("umount /tmp/disk", timeout=60)


# By processors: 1, 2 and 4, of whose queues the controller gives four.
@pytest.mark.parametrize(
    ("parameters", "queues"),
    [
        ("write_queues=1", {1: "1/1/0", 2: "1/2/0", 4: "1/3/0"}),
        ("poll_queues=1", {1: "1/0/1", 2: "2/0/1", 4: "3/0/1"}),
        ("write_queues=1 poll_queues=1 io_queue_depth=2", {1: "1/1/1", 2: "1/2/1", 4: "1/2/1"}),
        ("write_queues=1 poll_queues=2", {2: "1/1/2", 4: "1/1/2"}),
    ],
)
def test_queues_divide_as_asked(shell, loaded, parameters, queues):
    cpus = int(shell.run_check("nproc")[0])
    if cpus not in queues:
        pytest.skip(f"not for {cpus} CPUs")
    disk = loaded(parameters)("plain")
    found = shell.run_check(f"dmesg | grep '{disk.name}: .*default/read/poll' | tail -n 1")[0]
    assert f"{queues[cpus]} default/read/poll" in found
    polled = "hipri=1" if "poll_queues" in parameters else "hipri=0"
    disk.fio(
        "rw=randwrite",
        "bs=4k",
        "size=2M",
        "iodepth=8",
        "ioengine=io_uring",
        polled,
        "verify=crc32c",
    )


@pytest.mark.expects(rf"{MODULE}: .*(invalid for parameter|out of range)|parameter.*invalid")
@pytest.mark.parametrize("value", ["0", "1", "4096", "-1", "deep"])
def test_refuses_a_bad_queue_depth(unloaded, value):
    assert unloaded.refuses(f"io_queue_depth={value}")
    assert not unloaded.loaded()


@pytest.mark.expects(r"nvme\d+: resetting controller")
def test_reset_while_fio_runs(shell, disk, rounds):
    command = (
        f"fio --name=x --filename={disk.path} --direct=1 --rw=randwrite --bs=4k --size=8M "
        "--iodepth=32 --ioengine=libaio --verify=crc32c --loops=100000 --runtime=600 --time_based"
    )
    shell.run_check(f"({command} > /tmp/fio 2>&1; echo $? > /tmp/code) &")
    for _ in range(rounds(5, 100)):
        shell.run_check(f"nvme reset /dev/{disk.name}; sleep 0.5", timeout=60)
    # Until fio has its handler, the signal is lost.
    stop = "while pidof fio > /dev/null; do killall -INT fio; sleep 1; done"
    shell.run_check(stop, timeout=180)
    log = "\n".join(shell.run_check("cat /tmp/fio"))
    assert "verify" not in log.lower() or "bad" not in log.lower()
    assert "err= 0" in log
    assert disk.reads()


def test_function_level_reset(shell, disk, rounds):
    reset = f"/sys/bus/pci/devices/{disk.function}/reset"
    for _ in range(rounds(2, 100)):
        shell.run_check(f"echo 1 > {reset}", timeout=60)
        assert disk.reads()


def test_unbind_and_bind(disk, rounds):
    for _ in range(rounds(5, 100)):
        disk.unbind()
        disk.bind()
    assert disk.reads()


def test_load_and_unload(module, shell, loaded, rounds):
    for _ in range(rounds(3, 100)):
        loaded()
        module.unload()
    assert shell.run("ls /dev/nvme0")[2] != 0


# What the kernel's other parts say that go on without debugfs, sysfs or procfs.
@pytest.mark.expects("debugfs: out of free dentries")
@pytest.mark.expects("kobject: (kobject_add_internal failed for|can not set name properly)")
@pytest.mark.expects("kmemleak: Cannot allocate a scan area")
@pytest.mark.expects("really_probe: driver_sysfs_add failed|BAR 0: can't reserve")
@pytest.mark.expects(r"hwmon hwmon\d+: Error -12 creating of_node link")
@pytest.mark.expects(
    "Failed to add kobject for irq|WARNING: fs/proc/generic.c:.* remove_proc_entry"
)
# irq_domain_set_mapping() goes on without a place in its tree; the interrupt then has no handler.
@pytest.mark.expects("Unexpected interrupt|WARNING: drivers/irqchip/irq-gic-v3.c")
@pytest.mark.expects(rf"{MODULE} .*probe failed|probe with driver {MODULE} failed|nvme\w+: ")
def test_probe_survives_failed_allocations(shell, disk, rounds):
    """The nth allocation of a bind fails, for one n after the other, until none is left to fail."""
    faults = "/sys/kernel/debug/failslab"
    if shell.run(f"test -d {faults}")[2] != 0:
        pytest.skip("the kernel cannot make allocations fail")
    # What fails may be the shell's own copy from user space, or a page.
    quiet = "for verbose in /sys/kernel/debug/fail*/verbose; do echo 0 > $verbose; done"
    shell.run_check(f"echo N > {faults}/ignore-gfp-wait; {quiet}")
    bind = f"{DRIVERS}/{MODULE}/bind"
    # /proc/self is the shell: these are its own commands. What is left says whether one failed.
    attempt = (
        f"echo $n > /proc/self/fail-nth; echo {disk.function} > {bind}; "
        "read left < /proc/self/fail-nth; echo 0 > /proc/self/fail-nth"
    )
    step = rounds(20, 1)
    # A command whose interrupt gets lost ends with its timeout, and a probe sends some thirty.
    timeouts = "/sys/module/nvme_core/parameters"
    usual = shell.run_check(f"cat {timeouts}/admin_timeout {timeouts}/io_timeout")
    shell.run_check(f"for t in admin io; do echo 2 > {timeouts}/${{t}}_timeout; done")
    disk.unbind()
    try:
        code = shell.run_check(
            f"n={step}; left=0; bound={DRIVERS}/{MODULE}/{disk.function}; "
            f"while [ $left = 0 ] && [ $n -lt 3000 ]; do {attempt}; n=$((n + {step})); "
            f"test ! -e $bound || echo {disk.function} > {DRIVERS}/{MODULE}/unbind; "
            "done 2> /dev/null; echo $n",
            timeout=rounds(300, 3600),
        )
    finally:
        # The tests after this one find the module loaded still.
        for kind, seconds in zip(("admin", "io"), usual, strict=True):
            shell.run_check(f"echo {seconds} > {timeouts}/{kind}_timeout")
    # There was something to fail, and an end to it.
    assert step * 2 < int(code[-1]) < 3000
    disk.bind()
    assert disk.reads()


@pytest.mark.expects("callbacks suppressed")
@pytest.mark.expects(r"I/O error|lost async page write|unable to read|nvme\w+: I/O Cmd")
def test_removal_while_fio_runs(shell, loaded, rounds):
    for _ in range(rounds(2, 100)):
        disk = loaded()("plain")
        command = (
            f"fio --name=x --filename={disk.path} --direct=1 --rw=randwrite --bs=4k --size=8M "
            "--iodepth=32 --ioengine=libaio --runtime=600 --time_based --allow_file_create=0"
        )
        shell.run_check(f"({command} > /tmp/fio 2>&1; echo $? > /tmp/code) & sleep 1")
        shell.run_check(f"echo 1 > /sys/bus/pci/devices/{disk.function}/remove", timeout=60)
        shell.run_check("while pidof fio > /dev/null; do sleep 0.2; done", timeout=60)
        assert shell.run_check("cat /tmp/code") != ["0"]
        shell.run_check("echo 1 > /sys/bus/pci/rescan", timeout=60)
        assert Disk(shell, "plain").reads()


@pytest.mark.expects("callbacks suppressed")
@pytest.mark.expects(r"critical medium error|nvme\w+: (Read|I/O Cmd)|Buffer I/O error")
def test_a_media_error_reaches_the_reader(shell, loaded):
    failing = loaded()("failing")
    assert failing.reads()
    command = f"dd if={failing.path} of=/dev/null bs=512 skip=10000 count=1 iflag=direct"
    output, _, code = shell.run(command)
    assert code != 0
    # A medium error is ENODATA to its reader, from C's driver too.
    assert "No data available" in "\n".join(output)
    # And nothing else: the neighbours are there.
    shell.run_check(command.replace("skip=10000", "skip=10008"))


def test_gives_the_device_to_the_c_driver_and_takes_it_back(shell, disk):
    override = f"/sys/bus/pci/devices/{disk.function}/driver_override"
    try:
        shell.run_check(f"modprobe nvme; echo nvme > {override}", timeout=60)
        disk.unbind()
        shell.run_check(f"echo {disk.function} > /sys/bus/pci/drivers_probe", timeout=60)
        assert shell.run(f"test -e {DRIVERS}/nvme/{disk.function}")[2] == 0
        shell.run_check(f"echo {MODULE} > {override}")
        shell.run_check(f"echo {disk.function} > {DRIVERS}/nvme/unbind", timeout=60)
        shell.run_check(f"echo {disk.function} > /sys/bus/pci/drivers_probe", timeout=60)
        assert disk.reads()
    finally:
        shell.run_check(f"echo > {override}")
        Module(shell, "nvme").unload()
