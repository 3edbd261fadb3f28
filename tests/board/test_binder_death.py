# SPDX-License-Identifier: MIT
"""Binder's death notifications, and calls to and from processes that die."""

import pytest


def test_a_killed_service_is_announced(probe):
    """kill -9; the acknowledgement and the clearing in both orders; of a dead and a living one."""
    assert probe("death") == {
        "call": "BR_REPLY",
        "killed": "BR_DEAD_BINDER:dead",
        "call_after": "BR_DEAD_REPLY",
        "cleared": "BR_CLEAR_DEATH_NOTIFICATION_DONE:dead",
        "dead_already": "BR_DEAD_BINDER:beef",
        "cleared_before_done": "BR_CLEAR_DEATH_NOTIFICATION_DONE:beef",
        "cleared_alive": "BR_CLEAR_DEATH_NOTIFICATION_DONE:abc",
    }


@pytest.mark.expects(r"rust_binder: Failed to allocate buffer\. len:8, is_oneway:false")
# Its process is gone at once, its end of Binder a moment later: until then it is ESRCH.
@pytest.mark.expects(r"rust_binder: (Error in use_page_slow|use_range failure):? ESRCH")
@pytest.mark.expects(r"rust_binder: Failure in copy_transaction_data: (BR_DEAD_REPLY|ESRCH)")
@pytest.mark.expects(r"rust_binder: \d+:\d+ reply to \d+ failed: (BR_DEAD_REPLY|ESRCH)")
def test_calls_end_when_either_side_dies(probe):
    assert probe("death-calls") == {
        "during_call": "BR_DEAD_REPLY",
        "reply_to_dead": "BR_TRANSACTION_COMPLETE",
        "next_call": "BR_REPLY",
    }


def test_odd_requests_are_ignored(probe):
    """Unknown handles, a second request, a wrong cookie, a reference dropped with one set."""
    assert probe("death-requests") == {
        "alive": "BR_REPLY",
        "killed": "BR_DEAD_BINDER:1",
        "cleared": "BR_CLEAR_DEATH_NOTIFICATION_DONE:1",
        "after_release": "BR_TRANSACTION_COMPLETE BR_REPLY",
    }


def test_cve_2026_23400_done_by_a_thread_that_takes_no_work(probe):
    """BC_DEAD_BINDER_DONE after the clearing, by such a thread, took a lock twice."""
    assert probe("death-elsewhere") == {
        "killed": "BR_DEAD_BINDER:e15e",
        "cleared": "BR_CLEAR_DEATH_NOTIFICATION_DONE:e15e",
    }


def test_cve_2025_68260_clearing_while_the_owner_dies(probe, rounds):
    """The owner's death walked its list unlocked while a clearing took an entry out."""
    races = rounds(10, 1000)
    seen = probe("death-race", races)
    assert seen["rounds"] == str(races)
    assert seen["notifications"] == seen["expected"]
    assert seen["alive"] == "BR_REPLY"
    # Whether the two meet is chance; in many rounds they do.
    if races >= 1000:
        assert int(seen["died_first"]) > 0
        assert int(seen["cleared_first"]) > 0
