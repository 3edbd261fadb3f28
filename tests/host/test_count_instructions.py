# SPDX-License-Identifier: MIT
"""The benchmark's plugin counts each instruction of a machine once, and says what it needs."""

import struct
import subprocess

import pytest

from bench.plugin import built

NOP = 0x00000013
# Ends QEMU by a semihosting call (SYS_EXIT), at once: whoever asks the test device to end it may
# execute an instruction more before it does.
END = (
    0x00000597,  # auipc a1, 0
    0x01858593,  # addi a1, a1, 24: where what the call is told is
    0x01800513,  # li a0, 0x18
    0x01F01013,  # slli zero, zero, 0x1f: marks the next
    0x00100073,  # ebreak
    0x40705013,  # srai zero, zero, 7: marks the one before
    *(0x20026, 0),  # ADP_Stopped_ApplicationExit
    *(0, 0),  # exit code
)
# Where the reset vector of QEMU's virt goes.
START = 0x80000000


@pytest.fixture(scope="module")
def plugin():
    return built()


def qemu(scratch, plugin, program):
    """Runs a program of RISC-V instructions, without any firmware."""
    code = scratch / "program"
    code.write_bytes(struct.pack(f"<{len(program)}I", *program))
    command = ["qemu-system-riscv64", "-machine", "virt", "-bios", "none", "-display", "none"]
    command += ["-semihosting"]
    command += ["-device", f"loader,file={code},addr={START}", "-plugin", plugin]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def count(scratch, plugin, program):
    """How many instructions the plugin counted."""
    file = scratch / "count"
    assert qemu(scratch, f"{plugin},count={file}", program).returncode == 0
    return int(file.read_text())


def test_each_instruction_counts_once(plugin, tmp_path):
    without = count(tmp_path, plugin, END)
    assert count(tmp_path, plugin, (NOP,) * 1000 + END) == without + 1000


def test_a_loop_counts_each_turn(plugin, tmp_path):
    without = count(tmp_path, plugin, END)
    # li t2, 500; two instructions a turn: addi t2, t2, -1; bnez t2, back.
    loop = (0x1F400393, 0xFFF38393, 0xFE039EE3)
    assert count(tmp_path, plugin, loop + END) == without + 1 + 2 * 500


@pytest.mark.parametrize("arguments", ["", ",cuont=x", ",count=x,more=y"])
def test_other_arguments_are_refused(plugin, tmp_path, arguments):
    ended = qemu(tmp_path, f"{plugin}{arguments}", END)
    assert ended.returncode != 0
    assert "count=FILE" in ended.stderr
