# SPDX-License-Identifier: MIT
"""`make bench`: each Rust driver against its C counterpart, in counted instructions."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))
sys.path.insert(0, str(CHECKOUT))
# QEMU with a count of instructions boots slowly, the more so with several processors.
os.environ["IRONROOT_TIMEOUT_MULTIPLIER"] = os.environ.get("IRONROOT_TIMEOUT_MULTIPLIER") or "5"

from bench import boot, guest, latency, mdio, plot, profile, sizes, traces  # noqa: E402
from bench.cases import CASES  # noqa: E402
from bench.guest import say  # noqa: E402
from bench.names import selected  # noqa: E402

RUNS = 5
METHOD = (
    f"guest PMU, the whole machine, QEMU -icount shift=0, slope of N and 2N requests, {RUNS} runs"
)
# What a control's delay must at least show, times.
CONTROL = 1.1


def boots(sides):
    """The kernels and machines that the sides need, built: (variant, cpus, its sides)."""
    for variant, cpus in sorted({(side.variant, side.cpus) for _, side in sides}):
        guest.build(variant)
        mine = [pair for pair in sides if (pair[1].variant, pair[1].cpus) == (variant, cpus)]
        yield variant, cpus, mine


def measure(cases):
    """The runs of every side: (case, driver) to a list of instructions per request."""
    found = {}
    sides = [(case, side) for case in cases for side in (case.rust, case.baseline)]
    for variant, cpus, mine in boots(sides):
        say(f"booting {os.environ['BOARD']} {variant or 'release'}, {len(mine)} measurements")
        with guest.booted(variant, guest.counted(cpus)) as board:
            for number, (case, side) in enumerate(mine, 1):
                with guest.prepared(board.shell, side):
                    # The first run warms caches and slabs, and does not count.
                    runs = [
                        guest.per_request(board.shell, side, case.requests) for _ in range(RUNS + 1)
                    ][1:]
                found[case.name, side is case.rust] = runs
                say(f"{number} of {len(mine)}: {case.name} {side.driver}: {median(runs):.0f}")
    return found


def profiles(cases, measured):
    """Prints each side's functions; rows of what the drivers' own functions take, and of what
    only a trace tells."""
    found = {}
    sides = [(case, side) for case in cases for side in (case.rust, case.baseline)]
    scratch = CHECKOUT / "output" / os.environ["BOARD"] / "profile"
    scratch.mkdir(exist_ok=True)
    for variant, cpus, mine in boots(sides):
        # Under -icount too: without it the log takes so long that timers are what runs.
        with guest.booted(variant, guest.counted(cpus)) as board:
            for case, side in mine:
                say(f"profile of {case.name} {side.driver}")
                images, key = os.environ["IRONROOT_IMAGES"], (case.name, side is case.rust)
                whole = median(measured[key]) if key in measured else 0
                functions = profile.profile(board, side, whole, images, scratch)
                found[key] = functions
                most = traces.table(functions, traces.MOST)
                print(f"{case.name} {side.driver}, instructions per request\n{most}\n")
                name = f"{case.name.replace('/', '-')}-{side.driver}.txt"
                (scratch / name).write_text(traces.table(functions) + "\n")
    for case in cases:
        rust, baseline = found[case.name, True], found[case.name, False]
        if case.polls:
            yield row(case, [rust.total()], [baseline.total()], profile.POLLED)
        rust, baseline = traces.own(rust, case.rust), traces.own(baseline, case.baseline)
        if (case.rust.own or case.rust.own_names) and baseline:
            own = replace(case, name=case.name.replace("/", "-own/", 1))
            yield row(own, [rust], [baseline], profile.METHOD)


def row(case, rust, baseline, method=METHOD):
    """One row of bench.json. The ratio's range is that of every run against every other."""
    return {
        "name": case.name,
        "driver": case.rust.driver,
        "baseline": case.baseline.driver,
        "ratio": round(median(rust) / median(baseline), 4),
        "unit": "instructions/request",
        "method": method,
        "runs": len(rust),
        "min": round(min(rust) / max(baseline), 4),
        "max": round(max(rust) / min(baseline), 4),
        "driver_value": round(median(rust), 1),
        "baseline_value": round(median(baseline), 1),
    }


def number(value):
    """A number for a table: what is about one needs its decimals."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def table(rows):
    """The rows for a terminal."""
    heads = ("name", "driver", "value", "baseline", "value", "ratio", "min", "max", "unit")
    cells = [heads] + [
        (
            r["name"],
            r["driver"],
            number(r["driver_value"]),
            r["baseline"],
            number(r["baseline_value"]),
            f"{r['ratio']:.3f}",
            f"{r['min']:.3f}",
            f"{r['max']:.3f}",
            r["unit"],
        )
        for r in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def main():
    """Measures what K selects, and writes the table."""
    board, expression = os.environ["BOARD"], os.environ.get("K", "")
    cases = selected(CASES, expression)
    rows = []
    try:
        for found in parts(board, expression, cases):
            rows += found
    finally:
        # What was measured before a failure took long, and stays.
        if rows:
            report(board, expression, rows)
    if not rows:
        sys.exit(f"ironroot: error: K={expression}: no row of that name")
    blind = [case.name for case in cases if case.control]
    blind = [r["name"] for r in rows if r["name"] in blind and r["min"] < CONTROL]
    if blind:
        sys.exit(f"ironroot: error: the delay of {', '.join(blind)} did not show: trust no row")


def parts(board, expression, cases):
    """The benchmark's parts, one after the other: rows each."""
    measured = [case for case in cases if not case.polls]
    found = measure(measured)
    yield [row(case, found[case.name, True], found[case.name, False]) for case in measured]
    every = os.environ.get("PROFILE")
    yield profiles([case for case in cases if case.polls or (every and not case.control)], found)
    yield sizes.rows(board, expression)
    yield boot.rows(expression)
    yield latency.rows(expression)
    yield mdio.rows(expression)


def report(board, expression, rows):
    """Writes the rows: bench.json, the plot, and the table on the terminal."""
    path = CHECKOUT / "output" / board / "bench.json"
    path.write_text(json.dumps(rows, indent=1) + "\n")
    picture = path.with_suffix(".svg")
    command = f"make bench BOARD={board}" + (f" K='{expression}'" if expression else "")
    if os.environ.get("PROFILE"):
        command = f"PROFILE=1 {command}"
    plot.write(rows, command, picture)
    print(table(rows))
    print(f"{path.relative_to(CHECKOUT)}, {picture.relative_to(CHECKOUT)}: {len(rows)} rows")


if __name__ == "__main__":
    main()
