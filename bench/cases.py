# SPDX-License-Identifier: MIT
"""What is compared: for each row a Rust driver and its C counterpart, the same client on both."""

from dataclasses import dataclass, field, replace

from bench.guest import DISKS


@dataclass(frozen=True)
class Side:
    """One driver under one client."""

    driver: str
    # Done once before the runs, undone after them.
    setup: tuple[str, ...]
    teardown: tuple[str, ...]
    # The client; {n} is the number of requests.
    command: str
    # The kernel variant that has the driver; empty for the release kernel.
    variant: str = ""
    # The machine's processors.
    cpus: int = 1
    # The kernel function that runs once for each request: what a profile counts by. Without one it
    # goes by the measurement: the trace has as many requests as fit into its instructions.
    entry: str = "blk_mq_start_request"
    # The modules whose own share a profile states; where the driver is built in, instead, what
    # the names of its functions have in them.
    own: tuple[str, ...] = ()
    own_names: str = ""
    # The program to end where the command is a loop of several.
    program: str = ""
    # Of a client that polls: the driver's function that looks whether a request is done, and the
    # client on a disk that is later done. Only a trace tells what such a request takes.
    turn: str = ""
    late_command: str = ""


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    name: str
    rust: Side
    baseline: Side
    requests: int = 2000
    # A control has a delay in the Rust side's client: its ratio must be above 1.
    control: bool = field(default=False)

    @property
    def polls(self):
        """Whether the measurement is a trace: how often the client looks is the host's affair."""
        return bool(self.rust.turn)


RNULL = "/sys/kernel/config/rnull/bench"
NULLB = "/sys/kernel/config/nullb/bench"


def null_sides(options, rust_options=""):
    """The null block drivers, of the same size and block size, completing at once."""
    rust = Side(
        driver="rnull",
        own=("rnull_mod",),
        setup=(
            "modprobe rnull_mod",
            f"mkdir {RNULL}",
            f"echo 4096 > {RNULL}/blocksize",
            f"echo 1024 > {RNULL}/size",
            f"echo 0 > {RNULL}/irqmode",
            f"echo 1 > {RNULL}/power",
            "echo none > /sys/block/bench/queue/scheduler",
        ),
        teardown=(f"rmdir {RNULL}", "modprobe -r rnull_mod"),
        command=f"blkload /dev/bench --requests {{n}} {options} {rust_options}".strip(),
    )
    baseline = Side(
        driver="null_blk",
        own=("null_blk",),
        setup=(
            "modprobe null_blk nr_devices=0",
            f"mkdir {NULLB}",
            f"echo 4096 > {NULLB}/blocksize",
            f"echo 1024 > {NULLB}/size",
            f"echo 0 > {NULLB}/irqmode",
            f"echo 0 > {NULLB}/memory_backed",
            f"echo 256 > {NULLB}/hw_queue_depth",
            f"echo 1 > {NULLB}/power",
            "echo none > /sys/block/bench/queue/scheduler",
        ),
        teardown=(f"rmdir {NULLB}", "modprobe -r null_blk"),
        command=f"blkload /dev/bench --requests {{n}} {options}",
    )
    return rust, baseline


def null_cases():
    """Rust's null block driver against C's."""
    for name, options in {
        "randread-4k-qd1": "--depth 1",
        "randread-4k-qd32": "--depth 32",
        "randwrite-4k-qd1": "--depth 1 --write",
        "randwrite-4k-qd32": "--depth 32 --write",
    }.items():
        yield Case(f"null/{name}", *null_sides(options))
    # A thousand turns of a loop more for each request must be seen.
    yield Case(
        "control/null-randread-4k-qd1-slow",
        *null_sides("--depth 1", "--spin 1000"),
        control=True,
    )


def binder_cases():
    """Rust's Binder against C's: two kernels, since one cannot hold both."""
    for name, scenario in {
        "roundtrip-0": "load-empty",
        "roundtrip-4k": "load-4k",
        "roundtrip-64k": "load-64k",
        "oneway-4k": "load-oneway-4k",
        "descriptor": "load-fd",
    }.items():
        command = f"binder-probe {scenario} {{n}}"
        sides = (
            Side(
                driver=driver,
                setup=(),
                teardown=(),
                command=command,
                variant=variant,
                entry="",
                own_names=driver,
            )
            for driver, variant in (("rust_binder", ""), ("binder", "c"))
        )
        yield Case(f"binder/{name}", *sides, requests=500)


def ashmem_cases():
    """/dev/ashmem against memfd in one kernel: C has had no driver of its own since 5.18."""
    # A profile counts by: the file that both make once a round; each one's call, two a round.
    file = "alloc_file_pseudo"
    for name, region, entry, memfd, memfd_entry in (
        ("create-map-touch-close", "region", file, "memfd", file),
        ("create-map-touch-unpin-pin-close", "region-pin", file, "memfd-seals", file),
        ("pin-unpin", "pin", "unlocked_ioctl", "seals", "memfd_fcntl"),
    ):
        rust = Side(
            driver="rust_ashmem",
            own=("rust_ashmem",),
            setup=("modprobe rust_ashmem",),
            teardown=("modprobe -r rust_ashmem",),
            command=f"ashmem-probe load {region} {{n}}",
            entry=entry,
        )
        baseline = Side(
            driver="memfd",
            setup=(),
            teardown=(),
            command=f"ashmem-probe load {memfd} {{n}}",
            entry=memfd_entry,
        )
        yield Case(f"ashmem/{name}", rust, baseline, requests=500)


# One client a processor, and so one a queue, with a share of the requests; `last` is for the last.
FOUR_CLIENTS = (
    'pids=; for cpu in 0 1 2 3; do last=; [ $cpu = 3 ] && last="{last}";'
    " taskset -c $cpu blkload /dev/bench-at-once --requests $(({{n}} / 4)) {options} $last &"
    ' pids="$pids $!"; done; for pid in $pids; do wait $pid || exit; done'
)
# Whether a function may interrupt by message; a driver asks when it gets the device.
MESSAGES = (
    "for class in $(grep -l ^0x010802 /sys/bus/pci/devices/*/class);"
    " do echo {allowed} > ${{class%class}}msi_bus; done"
)


def nvme_side(driver, options, messages=True, disk="at-once"):
    """One NVMe driver on the board's NVMe devices, alone; no scheduler, as nobody uses one there.

    Without messages each has one wire, INTx, for all its queues. The client is on one `disk`.
    """
    # One that stays, or gets no device, would be measured under the other's name.
    neither = (
        "for module in rust_nvme nvme; do"
        " ! grep -q ^$module' ' /proc/modules || rmmod $module || exit; done"
    )
    # Which controller is found first is anyone's guess: the disks get names of their own.
    ready = (
        f"for disk in {' '.join(DISKS)}; do for i in $(seq 50); do"
        " ctrl=$(grep -l ^$disk /sys/class/nvme/*/serial); ctrl=${ctrl%/serial}; ctrl=${ctrl##*/};"
        " test -b /dev/${ctrl}n1 && break; sleep 0.2; done;"
        f" readlink /sys/class/nvme/$ctrl/device/driver | grep /{driver}$ &&"
        " echo none > /sys/block/${ctrl}n1/queue/scheduler &&"
        " ln -sf ${ctrl}n1 /dev/bench-$disk || exit; done"
    )
    by_message = f"grep nvme0q1 /proc/interrupts | grep {'' if messages else '-v '}PCI-MSI"
    return Side(
        driver=driver,
        own=(driver, "nvme_core"),
        setup=(
            neither,
            MESSAGES.format(allowed=int(messages)),
            f"modprobe {driver} {'poll_queues=1' if '--poll' in options else ''}".strip(),
            ready,
            *(() if "--poll" in options else (by_message,)),
        ),
        teardown=(neither, MESSAGES.format(allowed=1), "rm -f /dev/bench-*"),
        command=f"blkload /dev/bench-{disk} --requests {{n}} {options}",
    )


def nvme_on_four_cpus(driver, options, last=""):
    """The same with a queue for each of four processors, all in use."""
    command = FOUR_CLIENTS.format(options=options, last=last)
    side = nvme_side(driver, options)
    return replace(side, command=f"sh -c '{command}'", program="blkload", cpus=4)


def nvme_polled(driver):
    """The same by a queue that is polled."""
    options = "--depth 1 --poll"
    return replace(
        nvme_side(driver, options),
        turn={"rust_nvme": "blk::poll", "nvme": "nvme_poll"}[driver],
        late_command=nvme_side(driver, options, disk="very-late").command,
    )


def nvme_cases():
    """Rust's NVMe transport against C's, under the same NVMe core; -own is both modules' share."""
    drivers = ("rust_nvme", "nvme")
    for name, options in {
        "randread-4k-qd1": "--depth 1",
        "randread-4k-qd32": "--depth 32",
        "randwrite-4k-qd1": "--depth 1 --write",
        "randwrite-4k-qd32": "--depth 32 --write",
        "randread-512-qd32": "--depth 32 --size 512",
        "read-128k-qd1": "--depth 1 --size 131072 --sequential",
    }.items():
        disk = "late" if "--depth 1" in options else "at-once"
        for messages in (True, False) if "4k" in name else (True,):
            yield Case(
                f"nvme/{name}{'' if messages else '-intx'}",
                *(nvme_side(side, options, messages, disk) for side in drivers),
            )
    yield Case("nvme/randread-4k-qd1-polled", *map(nvme_polled, drivers))
    sides = (nvme_on_four_cpus(side, "--depth 8") for side in ("rust_nvme", "nvme"))
    yield Case("nvme/randread-4k-qd8-four-queues", *sides, requests=16000)
    # The loop of the client on the last processor must be seen, or that one is not counted.
    yield Case(
        "control/nvme-four-queues-slow",
        nvme_on_four_cpus("rust_nvme", "--depth 8", last="--spin 4000"),
        nvme_on_four_cpus("rust_nvme", "--depth 8"),
        requests=16000,
        control=True,
    )


CASES = [*null_cases(), *binder_cases(), *ashmem_cases(), *nvme_cases()]
