# SPDX-License-Identifier: MIT
"""Binder in ordinary use: calls, context managers, references, threads, descriptors.

The expected answers are those of include/uapi/linux/android/binder.h and of what Android's own test
of the driver's interface asks for.
"""

import pytest
from ironroot.binder import REFUSED

COMPLETE = "BR_TRANSACTION_COMPLETE"


def test_protocol_version(probe):
    assert probe("version") == {"version": "8"}


@pytest.mark.expects(r"rust_binder: (Write failure EFAULT|Read failure Err\(EFAULT\)) in pid:\d+")
@pytest.mark.expects(r"rust_binder: Failure when writing BR_NOOP at beginning of buffer")
@pytest.mark.expects(r"rust_binder: get_current_thread was called from the wrong process")
def test_ioctls_refuse_what_they_cannot_do(probe):
    einval, efault = "errno 22", "errno 14"
    assert probe("ioctl-errors") == {
        "unknown_none": einval,
        "unknown_write": einval,
        "unknown_both": einval,
        "null_write_read": efault,
        "null_version": efault,
        "null_max_threads": efault,
        "empty": "ok",
        "write_null": efault,
        "read_null": efault,
        "write_beyond": "ok",
        "other_process": einval,
        "alive": "ok",
    }


def test_mapping_is_read_only_single_and_the_owners(probe):
    assert probe("map-errors") == {
        "writable": "errno 1",
        "other_process": "errno 22",
        "first": "ok",
        "second": "errno 16",
    }


def test_calls_a_service_in_another_process(probe, rounds):
    """The service answers only where sender pid and uid, and its own node, are right."""
    count = rounds(10, 1000)
    seen = probe("echo", count)
    assert set(seen) == {f"size_{size}" for size in (0, 1, 4096, 65536, 500000)}
    assert set(seen.values()) == {f"{count} {COMPLETE} BR_REPLY"}


def test_a_service_is_registered_found_and_called(probe):
    assert probe("registry") == {
        "found_before": "0",
        "registered": "1",
        "handle": "1",
        "returns": f"{COMPLETE} BR_REPLY",
        "answer": "tahw",
    }


def test_a_service_calls_its_caller_back(probe):
    assert probe("nested") == {"callback": "11 20", "answer": "42"}


@pytest.mark.expects(r"rust_binder: BINDER_SET_CONTEXT_MGR already set")
def test_one_context_manager_at_a_time(probe):
    """A second one is EBUSY; after its death only its own user may follow."""
    assert probe("manager") == {
        "call_without": "BR_DEAD_REPLY",
        "second": "errno 16",
        "second_plain": "errno 16",
        "call": "BR_REPLY",
        "other_user": "errno 1",
        "next": "ok",
    }


def test_reference_counts_reach_the_owner(probe):
    counts = ("INCREFS", "ACQUIRE", "RELEASE", "DECREFS")
    assert probe("references") == {
        "node": "abc def 0 0",
        "acquired": "true",
        "info_by_client": "errno 1",
        "released": "true",
        "call_released": "BR_FAILED_REPLY -2",
        "owner_saw": " ".join(f"BR_{count}:abc:def" for count in counts),
        "last_node": "0",
    }


def test_driver_asks_for_more_threads(probe):
    assert probe("loopers") == {
        "service_saw": "BR_SPAWN_LOOPER BR_TRANSACTION",
        "call": "BR_REPLY",
    }


def test_a_thread_that_leaves_fails_its_caller(probe):
    assert probe("thread-exit") == {"call": "BR_DEAD_REPLY", "next_call": "BR_REPLY"}


def test_poll_sees_a_call(probe):
    pollin = "1"
    assert probe("poll") == {"before": "0", "call": pollin, "answer": "BR_REPLY", "after": "0"}


def test_cleared_buffer_holds_nothing(probe):
    """Zero bytes of 5000 before and after the buffer was freed."""
    assert probe("clear-buffer") == {"plain": "0 0", "clear": "0 5000"}


def test_a_descriptor_goes_through_a_call_and_back(probe):
    assert probe("fd") == {
        "returns": f"{COMPLETE} BR_REPLY",
        "service_wrote": "cookie 7",
        "client_read": "from the service",
        "cookie": "8",
    }


def test_an_array_of_descriptors_goes_through_a_call(probe):
    """They are open until the receiver frees the buffer."""
    assert probe("fd-array") == {
        "array": "3 0 8 24",
        "before_and_after": "aa bb",
        "read": "abc",
        "open_before_free": "3",
        "open_after_free": "0",
        "call": "BR_REPLY",
    }


@pytest.mark.expects(REFUSED)
@pytest.mark.expects(r"rust_binder: validate_parent_fixup: new_min_offset=20, sg_entry.length=16")
def test_cve_2026_23194_empty_array_at_the_buffers_end(probe):
    """An array of no descriptors was taken for a pointer of eight bytes, out of bounds."""
    assert probe("fd-array-empty") == {
        "at_end": "BR_REPLY",
        "at_end_arrived": "true",
        "inside": "BR_REPLY",
        "inside_arrived": "true",
        "beyond": "BR_FAILED_REPLY -22",
        "beyond_arrived": "false",
    }


@pytest.mark.expects(REFUSED)
@pytest.mark.expects(r"rust_binder: \d+:\d+ reply to \d+ failed: EPERM")
def test_descriptors_only_for_who_takes_them(probe):
    assert probe("fd-refused") == {
        "to_service": "BR_FAILED_REPLY -1",
        "array_to_service": "BR_FAILED_REPLY -1",
        "in_reply": "BR_FAILED_REPLY -1",
        "in_reply_accepted": "BR_REPLY",
    }


def test_pages_taken_under_pressure_come_back(probe, rounds):
    count = rounds(5, 200)
    assert probe("shrink", count) == {"rounds": str(count), "right": str(count)}
