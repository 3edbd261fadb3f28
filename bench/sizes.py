# SPDX-License-Identifier: MIT
"""What Rust costs before any request: image and module sizes, time to the login prompt."""

import time
from pathlib import Path
from statistics import median

from bench import guest
from bench.names import matches

RUNS = 5
# The Rust module and the C module that does the same.
MODULES = {"rnull": ("rnull_mod", "null_blk")}


def output(board, variant):
    """A variant's output directory."""
    return Path("output") / "-".join(filter(None, [board, variant]))


def row(name, unit, method, rust, baseline, driver="CONFIG_RUST=y", other="VARIANT=c"):
    """A row of bench.json out of each side's values."""
    return {
        "name": name,
        "driver": driver,
        "baseline": other,
        "ratio": round(median(rust) / median(baseline), 4),
        "unit": unit,
        "method": method,
        "runs": len(rust),
        "min": round(min(rust) / max(baseline), 4),
        "max": round(max(rust) / min(baseline), 4),
        "driver_value": median(rust),
        "baseline_value": median(baseline),
    }


def kernel_image(board):
    """Bytes of the kernel image that boots."""
    sizes = []
    for variant in ("", "c"):
        guest.build(variant)
        (image,) = (output(board, variant) / "images").glob("*Image")
        sizes.append([image.stat().st_size])
    yield row("size/kernel-image", "bytes", f"size of {image.name}", *sizes)


def modules(board):
    """Bytes of the modules, stripped as they are on the image."""
    for name, (rust, baseline) in MODULES.items():
        sizes = []
        for module in (rust, baseline):
            (path,) = (output(board, "") / "target/usr/lib/modules").rglob(f"{module}.ko")
            sizes.append([path.stat().st_size])
        yield row(f"size/{name}", "bytes", "size of the stripped .ko", *sizes, rust, baseline)


def boots(board):
    """Power-on to the login prompt: seconds, and the guest's own time under -icount."""
    seconds, clock = {}, {}
    for variant in ("", "c"):
        guest.build(variant)
        seconds[variant], clock[variant] = [], []
        for _ in range(RUNS):
            start = time.monotonic()
            with guest.booted(variant, ""):
                seconds[variant].append(round(time.monotonic() - start, 2))
        with guest.booted(variant, "-icount shift=0,sleep=off -smp 1") as running:
            clock[variant].append(int(running.shell.run_check("powered")[0]))
    yield row(
        "boot/seconds", "seconds", "wall clock, QEMU, to the shell", seconds[""], seconds["c"]
    )
    yield row(
        "boot/instructions",
        "instructions",
        "guest clock at the shell, -icount shift=0,sleep=off: 1 ns an instruction, "
        "and idle time up to the next timer",
        clock[""],
        clock["c"],
    )


def rows(board, expression):
    """The rows that the expression selects."""
    parts = {"size/kernel-image": kernel_image, "size/rnull": modules, "boot/": boots}
    found = []
    for prefix, part in parts.items():
        # A boot takes long: not made where no row of it is wanted.
        names = ("boot/seconds", "boot/instructions") if prefix == "boot/" else (prefix,)
        if any(matches(name, expression) for name in names):
            found += [r for r in part(board) if matches(r["name"], expression)]
    return found
