# SPDX-License-Identifier: MIT
"""What no Binder client should do: each case's exact error, and a driver that goes on working."""

import pytest
from ironroot.binder import BAD_COMMAND, NO_ROOM, REFUSED

ENOENT, EBADF, ENOMEM, EFAULT, EINVAL, ENOSPC = 2, 9, 12, 14, 22, 28

CALLS = {
    # Offsets of objects
    "offset_beyond": EINVAL,
    "offset_at_end": EINVAL,
    "offset_huge": EINVAL,
    "offset_unaligned": EINVAL,
    "offset_plain_data": EINVAL,
    "offset_twice": EINVAL,
    "offset_overlapping": EINVAL,
    "offset_backwards": EINVAL,
    "object_cut_off": EFAULT,
    "object_unknown": EINVAL,
    # Sizes
    "data_huge": EINVAL,
    "data_larger_than_map": ENOSPC,
    "offsets_unaligned": EINVAL,
    "offsets_huge": ENOMEM,
    "buffers_unaligned": EINVAL,
    "buffers_huge": ENOMEM,
    "sum_overflows": ENOMEM,
    # Addresses
    "data_nowhere": EFAULT,
    "data_kernel": EFAULT,
    "offsets_nowhere": EFAULT,
    "offsets_kernel": EFAULT,
    # Handles, descriptors, nodes
    "handle_unknown": ENOENT,
    "handle_unknown_one_way": ENOENT,
    "handle_largest": ENOENT,
    "object_handle_unknown": ENOENT,
    "descriptor_closed": EBADF,
    "descriptor_negative": EBADF,
    "node_twice": 0,
    "node_other_cookie": EINVAL,
    # Buffers beside the data
    "buffer_nowhere": EFAULT,
    "buffer_without_space": EINVAL,
    "buffer_huge": EINVAL,
    "buffer_in_buffer": 0,
    "parent_unknown": EINVAL,
    "parent_offset_beyond": EINVAL,
    "parent_offset_huge": EINVAL,
    "parent_offset_backwards": EINVAL,
    # Arrays of descriptors
    "array_parent_unknown": EINVAL,
    "array_without_parent": EINVAL,
    "array_unaligned": EINVAL,
    "array_beyond": EINVAL,
    "array_huge": EINVAL,
    "array_overflows": EINVAL,
    "array_descriptor_closed": EBADF,
    # Who must not call, and answers
    "reply_to_nobody": EINVAL,
    "manager_to_itself": EINVAL,
    "reply_nowhere": EFAULT,
    "reply_after": 0,
}


@pytest.mark.expects(REFUSED)
@pytest.mark.expects(NO_ROOM)
@pytest.mark.expects(r"rust_binder: validate_parent_fixup: \w+=\d+, [a-z_.]+=\d+")
@pytest.mark.expects(r"rust_binder: \d+:\d+ reply to \d+ failed: EFAULT")
def test_bad_calls(probe):
    expected = {
        name: f"BR_FAILED_REPLY -{errno}" if errno else "BR_REPLY" for name, errno in CALLS.items()
    }
    expected |= {"receiver_unmapped": "BR_DEAD_REPLY", "alive": "true"}
    assert probe("bad-calls") == expected
    assert probe.alive()


@pytest.mark.expects(BAD_COMMAND)
def test_bad_commands(probe):
    """Errors, and how many bytes of commands were taken; buffers freed twice and never given."""
    einval, efault = f"errno {EINVAL} 0", f"errno {EFAULT} 0"
    assert probe("bad-commands") == {
        "unknown": einval,
        "unknown_after_good": f"errno {EINVAL} 4",
        "zero": einval,
        "return_code": einval,
        "attempt_acquire": einval,
        "cut_off": efault,
        "cut_off_in_code": "ok 0",
        "transaction_cut_off": efault,
        "increfs_unknown": "ok 8",
        "acquire_unknown": "ok 8",
        "release_unknown": "ok 8",
        "decrefs_unknown": "ok 8",
        "release_too_often": "ok 24",
        "increfs_done_unknown": "ok 20",
        "acquire_done_unknown": "ok 20",
        "register_unasked": "ok 4",
        "free_inside": "ok 12",
        "free": "ok 12",
        "free_twice": "ok 12",
        "free_never_given": "ok 12",
        "free_null": "ok 12",
        "free_highest": "ok 12",
        "buffers_apart": "true",
        "free_unmapped": "ok 12",
        "alive": "true",
    }
    assert probe.alive()


@pytest.mark.expects(r"rust_binder: (Error in use_page_slow|use_range failure):? ESRCH")
@pytest.mark.expects(r"rust_binder: Failed to allocate buffer\. len:262144, is_oneway:false")
@pytest.mark.expects(REFUSED)
def test_cve_2026_43434_other_memory_where_the_mapping_was(probe):
    """The driver took any mapping at its address for its own: pages went in, or were taken away."""
    assert probe("foreign-memory") == {
        "before": "BR_REPLY",
        "call_memory": "BR_FAILED_REPLY -3",
        "after_call": "true",
        "after_shrink": "true",
        "call_other_session": "BR_FAILED_REPLY -3",
        "alive": "BR_REPLY",
    }
