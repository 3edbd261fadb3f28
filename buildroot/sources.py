#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Finds the sources that Buildroot would download in a Debian archive.

sources.py BUILDROOT OUTPUT DL_DIR CACHE

OUTPUT is a configured output directory of Buildroot's. A tarball whose hash
Buildroot knows is put where Buildroot looks for downloads, under the name that
it looks for. Where the archive has no such tarball, the same release in a
language's registry, else the archive's nearest release, is unpacked into CACHE
and becomes the package's OVERRIDE_SRCDIR, in OUTPUT/sources.mk. What came from
where is printed, a line a package.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

SHA256_DIGITS = 64
EXTERNAL = Path(__file__).resolve().parents[1]
# Where the exact tarball is looked for, and in this order for any other.
SUITES = ["stable", "stable-backports", "testing", "unstable", "oldstable"]
# Debian's source package, where its name is not Buildroot's.
NAMES = {"nvme": "nvme-cli", "uboot": "u-boot"}
# Whose authors publish the whole source on Python's registry too: the hash there.
PYTHON = {"libnvme-1.16.1": "83fa8da5a5ba6c25327d70dc8c2921d8de0a28eb0e846ce2b60292495348cbbc"}


class Archive:
    """apt on source packages alone, with its files below one directory."""

    def __init__(self, directory):
        self.directory = directory
        for part in ("lists/partial", "cache/archives/partial"):
            (directory / part).mkdir(parents=True, exist_ok=True)
        # The archive is the one that the build root was made from.
        first = Path("/etc/apt/sources.list").read_text().split()
        site = next(word for word in first if "://" in word)
        lines = [f"deb-src {site} {suite} main\n" for suite in SUITES]
        (directory / "sources.list").write_text("".join(lines))

    def run(self, program, *args):
        """Runs an apt program; gives its output, or None where it failed."""
        options = {
            "Dir::Etc::sourcelist": self.directory / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State::lists": self.directory / "lists",
            "Dir::Cache": self.directory / "cache",
            "APT::Sandbox::User": "root",
            # A mirror's old index is as good: an exact tarball has a known hash.
            "Acquire::Check-Valid-Until": "false",
        }
        command = [program, *(f"-o{name}={value}" for name, value in options.items()), *args]
        result = subprocess.run(
            command, cwd=self.directory, capture_output=True, text=True, check=False
        )
        return result.stdout if result.returncode == 0 else None

    def tarballs(self, source):
        """Yields (version, file name, sha256) of a source package, in the order of SUITES."""
        text = self.run("apt-cache", "showsrc", "--only-source", source) or ""
        for record in text.split("\n\n"):
            version = re.search(r"^Version: (.*)$", record, re.M)
            found = re.search(r"^ ([0-9a-f]{64}) \d+ (\S+\.orig\.tar\.\w+)$", record, re.M)
            if version and found:
                yield version[1], found[2], found[1]

    def fetch(self, source, version, name, sha256):
        """Downloads the upstream tarball; gives its path, or None."""
        path = self.directory / name
        self.run("apt-get", "source", "--download-only", "--tar-only", "-q", f"{source}={version}")
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return path
        return None


def hashes(buildroot):
    """Every hash that Buildroot's own files and our patches/ state, by file name."""
    known = {}
    for tree in (buildroot / "package", buildroot / "boot", EXTERNAL / "patches"):
        for path in tree.rglob("*.hash"):
            for line in path.read_text().splitlines():
                if match := re.match(r"(?:sha256|sha512)\s+([0-9a-f]+)\s+(\S+)$", line):
                    known.setdefault(match[2], set()).add(match[1])
    return known


def exact(archive, source, sums, target):
    """Puts the tarball with one of the hashes at `target`; gives its Debian version."""
    # Of some Buildroot knows a hash that no list of Debian's has: each must be fetched.
    only_longer = sums and not any(len(known) == SHA256_DIGITS for known in sums)
    for version, name, sha256 in archive.tarballs(source):
        if sha256 not in sums and not only_longer:
            continue
        path = archive.fetch(source, version, name, sha256)
        if path and (sha256 in sums or hashlib.sha512(path.read_bytes()).hexdigest() in sums):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            return version
    return None


def unpack(tarball, directory):
    """Unpacks a tarball's one folder as `directory`, all of it or nothing."""
    part = directory.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    command = ["tar", "--strip-components=1", "--no-same-owner", "-xf", tarball, "-C", part]
    subprocess.run(command, check=True)
    part.rename(directory)


def registered(release, cache):
    """Unpacks a release from Python's registry; gives its directory, or None."""
    if not (sha256 := PYTHON.get(release)):
        return None
    directory = cache / f"{release}-{sha256[:12]}"
    if not directory.is_dir():
        pinned = cache / f"{release}.txt"
        name, version = release.rsplit("-", 1)
        pinned.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
        options = ["--no-deps", "--no-binary", name, "--dest", cache, "--requirement", pinned]
        result = subprocess.run(["pip", "download", "--quiet", *options], check=False)
        if result.returncode != 0:
            return None
        unpack(cache / f"{release}.tar.gz", directory)
    return directory


def nearest(archive, source, cache):
    """Unpacks the first release that the archive gives; its directory and Debian version."""
    for version, name, sha256 in archive.tarballs(source):
        directory = cache / f"{source}-{sha256[:12]}"
        if not directory.is_dir():
            path = archive.fetch(source, version, name, sha256)
            if not path:
                continue
            unpack(path, directory)
        return directory, version
    return None


def wanted(buildroot, output):
    """Yields (package, directory, file) of what Buildroot would download."""

    def make(*args):
        command = ["make", "-s", "--no-print-directory", "-C", buildroot, f"O={output}", *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    overrides = make("printvars", "VARS=%_OVERRIDE_SRCDIR")
    overridden = set(re.findall(r"^(\w+)_OVERRIDE_SRCDIR=.", overrides, re.M))
    for package, info in sorted(json.loads(make("show-info")).items()):
        if variable(package) not in overridden:
            for download in info.get("downloads", []):
                yield package, info["dl_dir"], download["source"]


def variable(package):
    """The package's name as Buildroot's variables begin with it."""
    return package.upper().replace("-", "_")


def main():
    buildroot, output, downloads, cache = map(Path, sys.argv[1:])
    known = hashes(buildroot)
    archive = Archive(cache / "apt")
    lines, missing = [], []
    updated = False
    for package, directory, file in wanted(buildroot, output):
        target = downloads / directory / file
        if target.is_file():
            print(f"{package}: {file}, downloaded before")
            continue
        if not updated:
            # A suite that is in the middle of its own update is left out.
            archive.run("apt-get", "update", "-q")
            updated = True
        source = NAMES.get(package, package)
        if version := exact(archive, source, known.get(file, ()), target):
            print(f"{package}: {file}, from Debian's {source} {version}, hash as Buildroot's")
        elif unpacked := registered(file.removesuffix(".tar.gz"), cache):
            lines.append(f"{variable(package)}_OVERRIDE_SRCDIR = {unpacked}\n")
            print(f"{package}: instead of {file}, the same release from Python's registry")
        elif found := nearest(archive, source, cache):
            unpacked, version = found
            lines.append(f"{variable(package)}_OVERRIDE_SRCDIR = {unpacked}\n")
            print(f"{package}: instead of {file}, the source of Debian's {source} {version}")
        else:
            missing.append(f"{package} ({file})")
    (output / "sources.mk").write_text("".join(lines))
    if missing:
        sys.exit(f"ironroot: error: the archive has no source for {', '.join(missing)}")


if __name__ == "__main__":
    main()
