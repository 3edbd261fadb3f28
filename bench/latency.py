# SPDX-License-Identifier: MIT
"""What counted instructions do not tell of an NVMe driver: how long a small read waits beside large
writes, and whether clients on queues of their own are served alike. In the guest's own time."""

import re

from bench import guest
from bench.cases import nvme_side
from bench.names import matches
from bench.sizes import row

RUNS = 5
# Seconds of guest time that one run takes.
SECONDS = 2
READER = f"--name=reader --rw=randread --bs=4k --lat_percentiles=1 --runtime={SECONDS} --time_based"
FIO = "fio --minimal --filename=/dev/bench-at-once --direct=1 --ioengine=io_uring"
METHOD = f"fio, QEMU -icount shift=0, {SECONDS} s of guest time, {RUNS} runs"
# Terse output: the requests a second of reads, and the percentiles of how long they took in all:
# from submission on most would take no time, for the answer comes while they are submitted.
IOPS = 7
PERCENTILE = "{}.000000%=(\\d+)"


def mixed(shell):
    """Microseconds of a 4 KiB read at depth 1 while another job writes 128 KiB at depth 16."""
    writer = f"--name=writer --rw=write --bs=128k --iodepth=16 --runtime={SECONDS} --time_based"
    lines = shell.run_check(f"{FIO} {READER} {writer}", timeout=guest.PATIENCE)
    (reader,) = (line for line in lines if ";reader;" in line)
    return {
        f"nvme-latency/mixed-read-p{part}": int(re.search(PERCENTILE.format(part), reader)[1])
        for part in (50, 99)
    }


def fairness(shell):
    """How many times as many reads the fastest of four clients gets as the slowest does."""
    job = f"{FIO} {READER} --iodepth=8 --numjobs=4 --cpus_allowed=0-3 --cpus_allowed_policy=split"
    lines = shell.run_check(job, timeout=guest.PATIENCE)
    rates = [int(line.split(";")[IOPS]) for line in lines if ";reader;" in line]
    assert len(rates) == 4, lines
    return {"nvme-fairness/four-queues": max(rates) / min(rates)}


# What is measured, on how many processors, and the unit.
MEASURED = (
    (mixed, ("nvme-latency/mixed-read-p50", "nvme-latency/mixed-read-p99"), 1, "us/read"),
    (fairness, ("nvme-fairness/four-queues",), 4, "fastest/slowest"),
)


def rows(expression):
    """The rows that the expression selects."""
    for measure, names, cpus, unit in MEASURED:
        if not any(matches(name, expression) for name in names):
            continue
        guest.build("")
        found = {}
        with guest.booted("", guest.counted(cpus)) as board:
            for driver in ("rust_nvme", "nvme"):
                with guest.prepared(board.shell, nvme_side(driver, "")):
                    found[driver] = [measure(board.shell) for _ in range(RUNS + 1)][1:]
                guest.say(f"{', '.join(names)}: {driver}: {found[driver]}")
        for name in names:
            if matches(name, expression):
                sides = ([run[name] for run in found[driver]] for driver in ("rust_nvme", "nvme"))
                yield row(name, unit, METHOD, *sides, "rust_nvme", "nvme")
