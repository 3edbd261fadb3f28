# SPDX-License-Identifier: MIT
"""What the benchmark makes of a trace."""

from collections import Counter

import pytest

from bench import traces

WORK, LOOK, REST = ("queue_rq", "rust_nvme"), ("poll", "rust_nvme"), ("bio_poll", "vmlinux")


def trace(looks):
    """A request of 100 instructions, of a found completion's 40, and of looks at 11 and 7 each."""
    return Counter({WORK: 100, LOOK: 40 + 11 * looks, REST: 7 * looks})


@pytest.mark.parametrize(("few", "many"), [(1, 30), (2.5, 3.5), (11, 100)])
def test_a_polled_request_has_one_look(few, many):
    found = traces.with_one_turn(trace(few), trace(many), few, many)
    assert {one: round(count, 6) for one, count in found.items()} == trace(1)


@pytest.mark.parametrize("many", [10.9, 10.8, 3])
def test_two_traces_that_are_alike_tell_nothing(many):
    with pytest.raises(SystemExit, match="too like each other"):
        traces.with_one_turn(trace(10.8), trace(many), 10.8, many)


def test_a_rust_function_is_found_by_the_end_of_its_path():
    symbols = traces.Symbols(
        ["ffff000000000000 T _text", "ffff000000000100 t poll"],
        [
            "ffff000000100000 T _text",
            "ffff000000200000 t _RNvNtCsX_9rust_nvme5queue4poll\t[rust_nvme]",
            "ffff000000200100 t _RNvNtCsX_9rust_nvme3blk4poll\t[rust_nvme]",
        ],
    )
    assert symbols.address("blk::poll") == 0xFFFF000000200100
    assert symbols.address("poll") == 0xFFFF000000100100
    with pytest.raises(SystemExit, match="no function blk::pol"):
        symbols.address("blk::pol")
