#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds the crates that a package of ours is built with to Buildroot's legal-info.

crates.py PACKAGE VENDOR LICENSES MANIFEST ARCHIVE

VENDOR is what `cargo vendor` made. Each crate's licence texts go below LICENSES,
and a line of its own into MANIFEST, which names ARCHIVE as the place of its source.
"""

import re
import shutil
import sys
import tomllib
from pathlib import Path

# Names of files that hold a licence or what one asks to be kept.
LEGAL = re.compile(r"(un)?licen[cs]e|copying|copyright|notice|authors", re.IGNORECASE)


def legal_files(crate, stated):
    """The crate's licence texts, the one that it names itself first."""
    found = [path for path in sorted(crate.iterdir()) if path.is_file() and LEGAL.match(path.name)]
    named = [crate / stated] if stated and (crate / stated).is_file() else []
    return list(dict.fromkeys(named + found))


def main():
    package, vendor, licenses, manifest, archive = sys.argv[1:]
    lines = []
    for manifest_toml in sorted(Path(vendor).glob("*/Cargo.toml")):
        crate = manifest_toml.parent
        told = tomllib.loads(manifest_toml.read_text(encoding="utf-8"))["package"]
        texts = []
        for path in legal_files(crate, told.get("license-file")):
            kept = Path("VENDOR", crate.name, path.name)
            target = Path(licenses, kept)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            texts.append(str(kept))
        name = f"{told['name']} (crate of {package})"
        # The columns of Buildroot's manifest; a crate has nothing in the last, its dependencies.
        columns = [
            name,
            told["version"],
            told.get("license", "see the licence files"),
            " ".join(texts) or "not in the crate",
            archive,
            told.get("repository", "the crate registry"),
            "",
        ]
        lines.append(",".join(f'"{column}"' for column in columns) + "\n")
    with Path(manifest).open("a", encoding="utf-8") as file:
        file.writelines(lines)


if __name__ == "__main__":
    main()
