# SPDX-License-Identifier: MIT
"""The kernel's configuration loses no fragment line in silence."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
BOARD = "qemu_riscv64"


@pytest.fixture
def tree(tmp_path):
    """A copy of what a configuration reads, to be spoilt."""
    for part in ("configs", "linux"):
        shutil.copytree(CHECKOUT / part, tmp_path / part)
    return tmp_path


def configure(tree, path=None, board=BOARD, variant=""):
    env = dict(os.environ, KERNEL_SOURCE="", VARIANT=variant)
    if path is not None:
        env["PATH"] = path
    command = [os.environ["QUICK"], "configure", board]
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, timeout=300)


def fragment(tree, text):
    with (tree / "linux/fragments/drivers.config").open("a") as file:
        file.write(text)


# Those that `make test` does not build.
KERNELS = [("qemu_arm", ""), ("qemu_aarch64", "debug"), ("qemu_riscv64", "c")]


@pytest.mark.parametrize(("board", "variant"), KERNELS)
def test_our_fragments_take_effect(tree, board, variant):
    result = configure(tree, board=board, variant=variant)
    assert result.returncode == 0, result.stderr


def test_arm_has_no_debug_kernel_with_rust(tree):
    result = configure(tree, board="qemu_arm", variant="debug")
    assert result.returncode == 1
    assert "CONFIG_RUST=y became n: unmet dependency HAVE_RUST" in result.stderr


def test_an_unknown_variant_is_refused_with_those_that_there_are(tree):
    result = configure(tree, variant="nonsense")
    assert result.returncode == 1
    assert "VARIANT=nonsense: no such kernel variant; variants: c, debug" in result.stderr


def test_unmet_dependency_is_named(tree):
    fragment(tree, "CONFIG_DRM_TYR=m\n")
    result = configure(tree)
    assert result.returncode == 1
    reason = "CONFIG_DRM_TYR=m became n: unmet dependency ARM || ARM64 || COMPILE_TEST"
    assert reason in result.stderr
    assert "drivers.config:" in result.stderr


def test_unknown_symbol_is_named(tree):
    fragment(tree, "CONFIG_NO_SUCH_THING=y\n")
    result = configure(tree)
    assert result.returncode == 1
    assert "CONFIG_NO_SUCH_THING=y became n: this kernel has no such symbol" in result.stderr


def test_a_line_that_is_no_setting_is_refused(tree):
    fragment(tree, "CONFIG_EXT4_FS y\n")
    result = configure(tree)
    assert result.returncode == 1
    assert "neither a setting nor a comment: CONFIG_EXT4_FS y" in result.stderr


def test_missing_bindgen_gives_the_kernels_reason(tree, tmp_path):
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for directory in ("/usr/sbin", "/usr/bin"):
        for tool in Path(directory).iterdir():
            link = bin_dir / tool.name
            if tool.name != "bindgen" and not link.exists():
                link.symlink_to(tool)
    result = configure(tree, str(bin_dir))
    assert result.returncode == 1
    assert "Rust bindings generator 'bindgen' could not be found" in result.stderr
