# SPDX-License-Identifier: MIT
"""What Rust costs before any request, in bytes: the kernel and each module."""

import subprocess
from pathlib import Path
from statistics import median

from ironroot.phy_chips import FAMILIES

from bench import guest
from bench.names import matches

# The Rust module, the C module that does the same or more, and the kernel variant that has it.
MODULES = {
    "rnull": ("rnull_mod", "null_blk", ""),
    "rust_nvme": ("rust_nvme", "nvme", ""),
    "rcpufreq_dt": ("rcpufreq_dt", "cpufreq-dt", "c"),
    **{f"rust_{family}": (f"rust_{family}", family, "") for family in FAMILIES},
}


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
    """Bytes of the kernel image that boots, and of what is in it: sections begin at 2 MiB."""
    images, loaded = [], []
    for variant in ("", "c"):
        guest.build(variant)
        (image,) = (output(board, variant) / "images").glob("*Image")
        images.append([image.stat().st_size])
        loaded.append([in_memory(guest.kernel(variant) / "vmlinux")])
    yield row("size/kernel-image", "bytes", f"size of {image.name}", *images)
    yield row("size/kernel-loaded", "bytes", "text, data and bss by llvm-size", *loaded)


def in_memory(program):
    """Bytes of a program's text, data and bss."""
    command = ["llvm-size", "--format=berkeley", program]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sum(map(int, said.splitlines()[1].split()[:3]))


def module(name):
    """A function that yields the row of a module's bytes, stripped as it is on the image."""
    rust, baseline, variant = MODULES[name]

    def part(board):
        sizes = []
        for module, kernel in ((rust, ""), (baseline, variant)):
            guest.build(kernel)
            folder = output(board, kernel) / "target/usr/lib/modules"
            (path,) = folder.rglob(f"{module}.ko")
            sizes.append([path.stat().st_size])
        yield row(f"size/{name}", "bytes", "size of the stripped .ko", *sizes, rust, baseline)

    return part


def rows(board, expression):
    """The rows that the expression selects."""
    # Each makes the rows of these names; not called where none of them is wanted.
    parts = {
        ("size/kernel-image", "size/kernel-loaded"): kernel_image,
        **{(f"size/{name}",): module(name) for name in MODULES},
    }
    found = []
    for names, part in parts.items():
        if any(matches(name, expression) for name in names):
            found += [r for r in part(board) if matches(r["name"], expression)]
    return found
