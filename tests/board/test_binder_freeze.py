# SPDX-License-Identifier: MIT
"""Binder's freezer and its detection of one-way spam."""

import pytest
from ironroot.binder import BAD_COMMAND, NO_ROOM, REFUSED

OK, EAGAIN, EFAULT, EINVAL = "ok", "errno 11", "errno 14", "errno 22"


def test_a_frozen_service(probe):
    """Calls fail, one-way calls wait, both are told. An unknown pid is no error to this driver."""
    one_call_one_pending_one_way = "3 1"
    assert probe("freeze") == {
        "before": "BR_REPLY",
        "freeze": OK,
        "nothing_came_in": "0 0",
        "call": "BR_FROZEN_REPLY",
        "one_way": "BR_TRANSACTION_PENDING_FROZEN",
        "came_in": one_call_one_pending_one_way,
        "thaw": OK,
        "delivered": "41",
        "after": "BR_REPLY",
        "unknown_pid": OK,
        "unknown_pid_info": EINVAL,
        "bad_pointer": EFAULT,
    }


def test_no_freeze_while_a_call_is_under_way(probe):
    pending_transaction = "2 0"
    assert probe("freeze-pending") == {
        "freeze": EAGAIN,
        "pending": pending_transaction,
        "call": "BR_REPLY",
        "freeze_after": OK,
    }


@pytest.mark.expects(BAD_COMMAND)
def test_freeze_notifications(probe):
    assert probe("freeze-notify") == {
        "request": OK,
        "state_now": "BR_FROZEN_BINDER:f:0",
        "done": OK,
        "freeze": OK,
        "frozen": "BR_FROZEN_BINDER:f:1",
        "thaw": OK,
        "done_frozen": OK,
        "thawed": "BR_FROZEN_BINDER:f:0",
        "done_thawed": OK,
        "done_twice": EINVAL,
        "done_unknown": EINVAL,
        "request_twice": EINVAL,
        "request_bad_handle": EINVAL,
        "clear_bad_cookie": EINVAL,
        "clear_bad_handle": EINVAL,
        "clear": OK,
        "cleared": "BR_CLEAR_FREEZE_NOTIFICATION_DONE:f",
        "clear_twice": EINVAL,
        "alive": "BR_REPLY",
    }


def test_outdated_one_way_calls_are_replaced(probe):
    pending = "BR_TRANSACTION_PENDING_FROZEN"
    assert probe("freeze-update") == {
        "freeze": OK,
        **{f"call_{number}": pending for number in (1, 2, 3, 4)},
        "thaw": OK,
        "delivered": "1 4 5",
    }


@pytest.mark.expects(NO_ROOM)
@pytest.mark.expects(REFUSED)
def test_cve_2026_43435_one_way_spam(probe):
    """The call that crosses the line was not counted, and few large calls never were."""
    assert probe("spam") == {
        "large": "4 BR_ONEWAY_SPAM_SUSPECT",
        "large_undetected": "none",
        "many_small": "51 BR_ONEWAY_SPAM_SUSPECT",
        "full": "6 BR_FAILED_REPLY -28",
        "call_when_full": "BR_REPLY",
    }
