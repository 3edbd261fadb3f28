# SPDX-License-Identifier: MIT
"""What the Buildroot lane's offline build and its legal-info make of sources and crates."""

import hashlib
import importlib.util
import subprocess

import pytest
from ironroot.quick import CHECKOUT

CRATE = '[package]\nname = "one"\nversion = "1.2.3"\nlicense = "MIT OR Apache-2.0"\n'


@pytest.fixture(scope="module")
def sources():
    """buildroot/sources.py as a module."""
    spec = importlib.util.spec_from_file_location("sources", CHECKOUT / "buildroot/sources.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Archive:
    """An archive with two releases of a package, both the same to whom asks for neither hash."""

    def __init__(self, folder):
        self.folder = folder
        self.fetched = []

    @staticmethod
    def content(version):
        """What is in the tarball of a version."""
        return f"release {version}".encode()

    def tarballs(self, _source):
        """As Debian's index has it: SHA-256 alone."""
        for version in ("2", "1"):
            yield version, f"{version}.tar", hashlib.sha256(self.content(version)).hexdigest()

    def fetch(self, _source, version, name, _sha256):
        """The tarball."""
        self.fetched.append(version)
        path = self.folder / name
        path.write_bytes(self.content(version))
        return path


@pytest.mark.parametrize(("kind", "fetched"), [("sha256", ["1"]), ("sha512", ["2", "1"])])
def test_the_tarball_with_buildroots_hash_is_found(sources, tmp_path, kind, fetched):
    archive = Archive(tmp_path)
    sums = {hashlib.new(kind, archive.content("1")).hexdigest()}
    target = tmp_path / "dl/package/package-1.tar"
    assert sources.exact(archive, "package", sums, target) == "1"
    assert target.read_bytes() == archive.content("1")
    # An index that has the hash saves the others' way.
    assert archive.fetched == fetched


@pytest.mark.parametrize("kind", ["sha256", "sha512"])
def test_a_tarball_with_another_hash_is_not_taken(sources, tmp_path, kind):
    sums = {hashlib.new(kind, b"neither").hexdigest()}
    target = tmp_path / "package.tar"
    assert sources.exact(Archive(tmp_path), "package", sums, target) is None
    assert not target.exists()


def test_each_crate_is_in_the_manifest_with_its_licences(tmp_path):
    crate = tmp_path / "VENDOR/one"
    crate.mkdir(parents=True)
    (crate / "Cargo.toml").write_text(CRATE)
    for name in ("LICENSE-MIT", "copyright.txt", "README.md"):
        (crate / name).write_text(name)
    bare = tmp_path / "VENDOR/two"
    bare.mkdir()
    (bare / "Cargo.toml").write_text('[package]\nname = "two"\nversion = "0.1.0"\n')
    manifest = tmp_path / "manifest.csv"
    manifest.write_text('"PACKAGE"\n')
    arguments = ["tools", tmp_path / "VENDOR", tmp_path / "licenses", manifest, "crates.tar.gz"]
    subprocess.run([CHECKOUT / "buildroot/crates.py", *arguments], check=True)
    kept = "VENDOR/one/LICENSE-MIT VENDOR/one/copyright.txt"
    assert manifest.read_text().splitlines() == [
        '"PACKAGE"',
        f'"one (crate of tools)","1.2.3","MIT OR Apache-2.0","{kept}","crates.tar.gz",'
        '"the crate registry",""',
        '"two (crate of tools)","0.1.0","see the licence files","not in the crate","crates.tar.gz",'
        '"the crate registry",""',
    ]
    there = (tmp_path / "licenses").rglob("*")
    files = sorted(str(path.relative_to(tmp_path)) for path in there if path.is_file())
    assert files == ["licenses/VENDOR/one/LICENSE-MIT", "licenses/VENDOR/one/copyright.txt"]
