# SPDX-License-Identifier: MIT
"""The kernel's log: what is new in it, and what must not be there."""

import itertools
import re

WARNING = 4
# A report may come at any level.
REPORT = re.compile(
    r"WARNING:|BUG:|\bOops\b|KASAN|UBSAN|possible circular locking|inconsistent lock state"
    r"|unreferenced object|Call Trace:|rust_kernel: panicked"
)
# Accepted on every board: each pattern with its reason.
KNOWN = [
    # Said once a boot, for our own drivers: they are not in the kernel's tree.
    r"loading out-of-tree module taints kernel",
    # Said once a boot: the Rust Binder of 7.3 takes dead processes down on the old system queue.
    r"workqueue: work func \S*rust_binder\S* enqueued on deprecated workqueue",
    # Said once a boot where the emulator's host kept a processor waiting.
    r"sched: (DL replenish lagged too much|RT throttling activated)",
    # Said at the first boot from a card that is larger than the image: package grow-root mends it.
    r"GPT:\s?(Primary header thinks|Alternate GPT header|\d+ != \d+|Use GNU Parted)",
]
# What the kernel crate's own KUnit tests provoke or print at boot.
KUNIT_SAYS = [
    r"rust_kernel: Bit `index` must be < \d+, was \d+",
    r"rust_kernel: attempted to create `Error` with out of range `errno`",
    r"rust_doctests_kernel: hello there",
    r"workqueue: work func _RN\w*tests\w* ",
    # An emulator's opinion: its host was busy.
    r"Test should be marked slow \(runtime: ",
]
LINE = re.compile(r"^<(\d+)>(.*)$")
# A line with a time and nothing else; reports have some around them.
BLANK = re.compile(r"^\[ *[\d.]+\]\s*$")
# Lockdep's report of a cycle: it begins with a rule and ends with a trace of calls.
RULE = re.compile(r"={20,}$")
CYCLE = "possible circular locking"
TRACE = re.compile(r"Call [Tt]race:")
CALL = re.compile(r"\+0x[0-9a-f]+/0x[0-9a-f]+")


def parse(lines):
    """Yields (level, text) for each line of `dmesg -r`; a line without a level continues one."""
    level = 6
    for line in lines:
        if match := LINE.match(line):
            # The facility is in the upper bits.
            level = int(match[1]) & 7
            yield level, match[2]
        elif line:
            yield level, line


def cycle_end(lines, start):
    """Where a report of lockdep's that begins at `start` ends; the next line where none begins, or
    where one has something else in its middle."""
    if (
        start + 1 == len(lines)
        or not RULE.search(lines[start][1])
        or CYCLE not in lines[start + 1][1]
    ):
        return start + 1
    texts = [text for _, text in lines[start:]]
    trace = next((at for at, text in enumerate(texts) if TRACE.search(text)), None)
    if trace is None or any(REPORT.search(text) for text in texts[2:trace]):
        return start + 1
    calls = itertools.takewhile(CALL.search, texts[trace + 1 :])
    return start + trace + 1 + len(list(calls))


def joined(lines):
    """Yields (level, text) with each of lockdep's reports in one text."""
    lines = list(lines)
    at = 0
    while at < len(lines):
        end = cycle_end(lines, at)
        yield lines[at][0], "\n".join(text for _, text in lines[at:end])
        at = end


def entries(lines):
    """Yields what belongs together, (level, text) each: a report between its marks, or a line."""
    report = None
    for level, text in joined(parse(lines)):
        if "[ cut here ]" in text:
            # One without an end is lines.
            yield from ([line] for line in report or [])
            report = []
        if report is None:
            yield [(level, text)]
            continue
        report.append((level, text))
        if "[ end trace " in text:
            yield report
            report = None
    yield from ([line] for line in report or [])


def complaints(lines, accepted=()):
    """The lines that no test may leave behind, but those that `accepted` patterns match.

    Where they match every line that says what a report is of, they accept the report.
    """
    found = []
    for entry in entries(lines):
        bad = [text for level, text in entry if level <= WARNING or REPORT.search(text)]
        bad = [text for text in bad if not BLANK.match(text)]
        fine = [text for text in bad if any(re.search(p, text) for p in [*KNOWN, *accepted])]
        heads = [text for text in bad if REPORT.search(TRACE.sub("", text))]
        if not heads or any(text not in fine for text in heads):
            found += [text for text in bad if text not in fine]
    return found


def since(marker):
    """The command that prints the log after the last line that ends with `marker`.

    All of it where the marker has left the buffer. The board picks the lines: a console is slow.
    The last one, for an earlier run on the same boot set the same marks.
    """
    number = f"n=$(grep -n '{marker}$' /tmp/log | tail -n 1); n=${{n%%:*}}"
    return f"dmesg -r > /tmp/log; {number}; tail -n +$((${{n:-0}} + 1)) /tmp/log"
