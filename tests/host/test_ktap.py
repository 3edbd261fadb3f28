# SPDX-License-Identifier: MIT
"""The reader of KUnit's results sees failures, skips and results that never came."""

from ironroot.ktap import Case, parse

TEXT = """\
KTAP version 1

1..1
    KTAP version 1
    # Subtest: suite
    # module: kernel
    1..3
    # first.location: rust/kernel/str.rs:1
    ok 1 first
    # second: EXPECTATION FAILED at lib/x.c:1
    not ok 2 second
    ok 3 third # SKIP not here
# suite: pass:1 fail:1 skip:1 total:3
# Totals: pass:1 fail:1 skip:1 total:3
not ok 1 suite
"""


def test_every_result_is_read():
    cases, planned = parse(TEXT.splitlines())
    assert cases == [
        Case("first", 1, "passed"),
        Case("second", 1, "failed"),
        Case("third", 1, "skipped"),
        Case("suite", 0, "failed"),
    ]
    assert planned == len(cases)


def test_a_result_that_never_came_is_missed():
    lines = [line for line in TEXT.splitlines() if "third" not in line]
    cases, planned = parse(lines)
    assert planned == len(cases) + 1
