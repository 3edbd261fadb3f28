# SPDX-License-Identifier: GPL-2.0
"""rust-nvme and controllers that lie: false completions, and capabilities that nothing has.

QEMU's controller is honest: the test stops the machine, with the controller's answers in memory and
the driver not yet at them, and changes what stands there.
"""

import re
import struct
from contextlib import contextmanager

import pytest
from guest_memory import GuestMemory
from ironroot.board import MULTIPLIER
from nvme_disk import MODULE

SIZE = 64 << 20
# Bytes a second that hold nobody up.
FAST = 1 << 30
# Bytes of a completion queue entry, and where things stand in it (NVMe base 2.1, figure 97).
ENTRY = 16
SQ_ID = slice(10, 12)
COMMAND_ID = slice(12, 14)
PHASE = 14
# Entries of an I/O queue, and of the admin queue.
DEPTH = 16
ADMIN_DEPTH = 32
READS = 7
# Log lines of a controller that loses commands, and gets reset for it.
RECOVERS = (
    rf"nvme\d+: (I/O tag|abort status|resetting)|{MODULE}.*nvme\d+: I/O tag|callbacks suppressed"
)


def QEMU_ARGS(_command, scratch):
    """A controller to lie for; one whose numbers are absurd; one that QEMU calls Intel's."""
    for name in ("liar", "absurd", "old"):
        with (scratch / f"{name}.img").open("wb") as disk:
            disk.truncate(SIZE)

    def drive(name, options=""):
        return f"-drive if=none,format=raw,id={name},file={scratch}/{name}.img{options}"

    return " ".join(
        [
            f"-D {scratch}/trace -trace pci_nvme_create_cq",
            f"-chardev socket,id=gdb,path={scratch}/gdb,server=on,wait=off -gdb chardev:gdb",
            drive("liar", f",throttling.bps-total={FAST}"),
            f"-device nvme,id=nvliar,serial=liar,drive=liar,mqes={DEPTH - 1},max_ioqpairs=2",
            # Any length a command, the longest queues there are, more of them than interrupts; no
            # shadow doorbells; memory of its own that nobody wants.
            drive("absurd"),
            "-device nvme,id=nvabsurd,serial=absurd,drive=absurd,mdts=40,mqes=65535,"
            "max_ioqpairs=64,msix_qsize=2,dbcs=off,aerl=255,cmb_size_mb=1",
            drive("old"),
            "-device nvme,id=nvold,serial=old,drive=old,use-intel-id=on",
        ]
    )


@pytest.fixture(scope="module")
def memory(booted):
    """The board's memory."""
    memory = GuestMemory(booted.scratch / "gdb")
    yield memory
    memory.close()


class Queue:
    """A completion queue in the board's memory, as the controller leaves it."""

    def __init__(self, memory, address, depth):
        self._memory = memory
        self._address = address
        self._depth = depth

    def read(self):
        """All entries."""
        data = self._memory.read(self._address, self._depth * ENTRY)
        return [bytearray(data[at : at + ENTRY]) for at in range(0, len(data), ENTRY)]

    def write(self, slot, entry):
        """Changes an entry."""
        self._memory.write(self._address + slot * ENTRY, bytes(entry))

    def added(self, before):
        """The slots that changed since `before`, in the order in which they were filled."""
        now = self.read()
        new = [slot for slot in range(self._depth) if now[slot] != before[slot]]
        # Where they go around the end, the first are the last.
        last = self._depth - 1
        return sorted(new, key=lambda slot: (slot < self._depth // 2 and last in new, slot))

    def next(self):
        """The slot that the controller fills next, and the phase that its entry will have."""
        phases = [entry[PHASE] & 1 for entry in self.read()]
        if phases[0] in phases and 1 - phases[0] in phases:
            return phases.index(1 - phases[0]), phases[0]
        return 0, 1 - phases[0]


class Liar:
    """The controller that lies, reset just now: its queues are empty."""

    def __init__(self, board, memory, disk):
        self.shell = board.shell
        self.disk = disk
        self.name = disk.name
        self.path = disk.path
        self._board = board
        self._memory = memory
        trace = board.scratch / "trace"
        known = len(trace.read_text()) if trace.exists() else 0
        self.shell.run_check(f"nvme reset /dev/{self.name}", timeout=60)
        self.gets_live()
        lines = re.findall(r"addr=0x([0-9a-f]+), cqid=(\d+)", trace.read_text()[known:])
        addresses = {int(qid): int(address, 16) for address, qid in lines}
        assert sorted(addresses) == [1, 2]
        # The queue that the reads use; the other one is known to the controller too.
        self.qid = self._queue_of_first_cpu()
        self.other_qid = 3 - self.qid
        self.queue = Queue(memory, addresses[self.qid], DEPTH)
        registers = "\n".join(self.shell.run_check(f"nvme show-regs /dev/{self.name}"))
        address = int(re.search(r"^acq *: *(?:0x)?([0-9a-f]+)", registers, re.MULTILINE)[1], 16)
        self.admin = Queue(memory, address, ADMIN_DEPTH)
        # The time after which a command that got no answer is aborted, and then the reset comes.
        block = f"/sys/block/{self.path.removeprefix('/dev/')}/queue"
        self.shell.run_check(f"echo {int(5000 * MULTIPLIER)} > {block}/io_timeout")

    def _queue_of_first_cpu(self):
        """The queue on which CPU 0 submits: which that is depends on the machine's interrupts."""
        lists = f"/sys/block/{self.path.removeprefix('/dev/')}/mq/*/cpu_list"
        (name,) = self.shell.run_check(f"grep -lw 0 {lists}")
        return int(name.split("/")[-2]) + 1

    def gets_live(self):
        """Waits for the end of a reset."""
        live = f"grep -q live /sys/class/nvme/{self.name}/state"
        self.shell.run_check(f"until {live}; do sleep 0.2; done", timeout=60)

    def allow(self, bytes_a_second):
        """How fast the disk is."""
        limits = {name: 0 for name in ("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr")}
        arguments = {"id": "nvliar", "bps": bytes_a_second, **limits}
        self._board.qemu.monitor_command("block_set_io_throttle", arguments)

    def pattern(self):
        """Writes what the reads then find."""
        self.shell.run_check(
            f"rm -f /tmp/code* /tmp/in*; head -c {READS << 12} /dev/urandom > /tmp/out; "
            f"dd if=/tmp/out of={self.path} bs={READS << 12} count=1 oflag=direct"
        )

    @contextmanager
    def answers_of_reads(self):
        """Some reads on one queue, answered; the driver has not looked. Gives the slots."""
        with self._memory.stopped():
            before = self.queue.read()
        self.allow(1000)
        try:
            # The first one uses up what the disk may say for a while.
            first = f"taskset 1 dd if={self.path} of=/dev/null bs=64k count=1 iflag=direct"
            read = f"taskset 1 dd if={self.path} of=/tmp/in$i bs=4k count=1 skip=$i iflag=direct"
            waiting = f"grep -q '^ *{READS} ' /sys/block/{self.path.removeprefix('/dev/')}/inflight"
            self.shell.run_check(
                f"{first}; for i in $(seq 0 {READS - 1}); do "
                f"({read}; echo $? > /tmp/code$i) > /dev/null 2>&1 & done; "
                f"until {waiting}; do sleep 0.1; done",
                timeout=60,
            )
            with self._memory.stopped():
                # Machines that stop finish their disks' work first: all answers are there.
                added = self.queue.added(before)
                assert len(added) == READS + 1
                yield added[1:]
        finally:
            self.allow(FAST)

    def all_reads_end_well(self):
        """Waits for the reads; each has what was written."""
        self.shell.run_check("while pidof dd > /dev/null; do sleep 0.2; done", timeout=90)
        names = " ".join(f"/tmp/code{index}" for index in range(READS))
        assert self.shell.run_check(f"cat {names}") == ["0"] * READS
        parts = " ".join(f"/tmp/in{index}" for index in range(READS))
        self.shell.run_check(f"cat {parts} | cmp - /tmp/out")

    def works(self):
        """The controller is up, and does what it is told."""
        assert self.shell.run_check(f"cat /sys/class/nvme/{self.name}/state") == ["live"]
        self.disk.fio(
            "rw=randwrite",
            "bsrange=512-64k",
            "size=1M",
            "iodepth=16",
            "ioengine=libaio",
            "verify=crc32c",
        )


@pytest.fixture
def liar(board, memory, loaded):
    """The controller that lies, about two queues."""
    if board.shell.run_check("nproc") == ["1"]:
        pytest.skip("one CPU has one queue")
    return Liar(board, memory, loaded()("liar"))


def number(value):
    """A field of two bytes."""
    return struct.pack("<H", value)


@pytest.mark.expects(r"refused completion of command")
@pytest.mark.expects(RECOVERS)
def test_false_completions_are_refused(board, liar):
    """One honest answer, the last; before it, one of each lie. Who was lied about is retried."""
    liar.pattern()
    with liar.answers_of_reads() as slots:
        entries = liar.queue.read()
        honest = [struct.unpack("<H", entries[slot][COMMAND_ID])[0] for slot in slots]
        idle = next(tag for tag in range(DEPTH - 1) if tag not in [id & 0xFFF for id in honest])
        lies = [
            # A tag that no request has; one whose request is not on its way; a generation of the
            # past; another queue, one that there is not, the admin queue.
            (COMMAND_ID, honest[0] & 0xF000 | 0xFFF),
            (COMMAND_ID, honest[1] & 0xF000 | idle),
            (COMMAND_ID, honest[2] - 0x1000 & 0xFFFF),
            (SQ_ID, liar.other_qid),
            (SQ_ID, 0xFFFF),
            (SQ_ID, 0),
        ]
        said = []
        for slot, (field, value) in zip(slots[:-1], lies, strict=True):
            entries[slot][field] = number(value)
            liar.queue.write(slot, entries[slot])
            said.append(struct.unpack("<H", entries[slot][COMMAND_ID])[0])
    liar.all_reads_end_well()
    log = board.new_log()
    line = re.compile(rf"{liar.name}: refused completion of command (\w+) on queue {liar.qid}$")
    refused = [int(match[1], 16) for text in log if (match := line.search(text))]
    assert refused == said
    assert any("resetting the controller" in line for line in log)
    liar.works()


@pytest.mark.expects(r"refused completion of command")
@pytest.mark.expects(RECOVERS)
def test_an_answer_that_comes_twice_counts_once(board, liar):
    liar.pattern()
    with liar.answers_of_reads() as slots:
        entries = liar.queue.read()
        first = entries[slots[0]]
        for slot in slots[1:3]:
            copy = bytearray(first)
            # Both may be around the end, where the phase is another.
            copy[PHASE] = first[PHASE] & 0xFE | entries[slot][PHASE] & 1
            liar.queue.write(slot, copy)
    liar.all_reads_end_well()
    id = struct.unpack("<H", first[COMMAND_ID])[0]
    log = board.new_log(f"grep -c '{liar.name}: refused completion of command {id:#06x}'")
    assert log == ["2"]
    liar.works()


@pytest.mark.expects(RECOVERS)
def test_an_entry_of_an_old_phase_is_none(board, liar):
    """The driver stops before it; what stands behind it is not looked at."""
    liar.pattern()
    with liar.answers_of_reads() as slots:
        entry = liar.queue.read()[slots[0]]
        entry[PHASE] ^= 1
        liar.queue.write(slots[0], entry)
    liar.all_reads_end_well()
    log = "\n".join(board.new_log())
    assert "refused" not in log
    assert "resetting the controller" in log
    liar.works()


@pytest.mark.expects(r"refused completion of command")
@pytest.mark.expects(RECOVERS)
def test_false_completions_of_admin_commands_and_events(board, memory, liar):
    """Answers to events that nobody asked for, and to a command that is not there."""
    ids = (32, 4095, 29)
    with memory.stopped():
        # Behind the answer to the next command.
        slot, phase = liar.admin.next()
        for step, id in enumerate(ids, 1):
            behind = (slot + step) % ADMIN_DEPTH
            fits = phase if behind > slot else 1 - phase
            entry = struct.pack("<QHHHH", 0xFFFFFFFFFFFFFFFF, 0, 0, id, fits)
            liar.admin.write(behind, entry)
    identify = f"nvme admin-passthru /dev/{liar.name} --opcode=6 --cdw10=1 --data-len=4096 --read"
    liar.shell.run_check(f"{identify} > /dev/null")
    for id in ids:
        line = f"{liar.name}: refused completion of command {id:#06x} on queue 0"
        assert board.new_log(f"grep -c '{line}'") == ["1"]
    # The driver has gone past what the controller fills next: this one gets no answer.
    patience = f"/sys/class/nvme/{liar.name}/admin_timeout"
    short = int(3000 * MULTIPLIER)
    liar.shell.run_check(f"cat {patience} > /tmp/patience; echo {short} > {patience}")
    assert liar.shell.run(f"{identify} > /dev/null", timeout=60)[2] != 0
    liar.gets_live()
    liar.shell.run_check(f"cat /tmp/patience > {patience}")
    liar.shell.run_check(f"{identify} > /dev/null")
    assert "resetting the controller" in "\n".join(board.new_log())
    liar.works()


def test_absurd_capabilities(shell, loaded):
    """The driver's own limits are what counts: 8 MiB a command, 1024 entries, what interrupts."""
    disk = loaded()("absurd")
    control = f"/sys/class/nvme/{disk.name}"
    assert shell.run_check(f"cat {control}/queue_count {control}/sqsize") == ["2", "1023"]
    block = f"/sys/block/{disk.path.removeprefix('/dev/')}/queue"
    assert shell.run_check(f"cat {block}/max_hw_sectors_kb") == ["8192"]
    shell.run_check(f"echo 8192 > {block}/max_sectors_kb")
    for size in ("bs=4k", "bsrange=512-8M"):
        disk.fio(
            "rw=randwrite", size, "size=16M", "iodepth=8", "ioengine=io_uring", "verify=crc32c"
        )


def test_quirks_of_a_known_device(shell, loaded):
    """QEMU's controller with Intel's number: an entry of three quirks."""
    disk = loaded()("old")
    quirks = shell.run_check(f"cat /sys/class/nvme/{disk.name}/quirks")
    assert set(quirks) == {"identify_cns", "disable_write_zeroes", "bogus_nid"}
    block = f"/sys/block/{disk.path.removeprefix('/dev/')}/queue"
    assert shell.run_check(f"cat {block}/write_zeroes_max_bytes") == ["0"]
    assert disk.reads()
