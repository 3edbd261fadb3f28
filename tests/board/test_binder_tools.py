# SPDX-License-Identifier: MIT
"""The Binder tools on the image: rsbinder's, libgbinder's, and the kernel's own selftest."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from ironroot import upload
from ironroot.quick import quick

# A device of the tests' own: whatever serves the board's contexts is left alone.
DEVICE = "tools-test"


@pytest.fixture
def device(shell):
    """A Binder device with its link in /dev, made by rsb_device."""
    shell.run_check(f"rsb_device {DEVICE}")
    yield DEVICE
    shell.run(f"rm -f /dev/{DEVICE} /dev/binderfs/{DEVICE}")


@pytest.fixture
def hub(shell, device):
    """rsb_hub as that device's service manager."""
    shell.run_check(
        f"rsb_hub -d {device} --insecure-allow-all > /tmp/hub.log 2>&1 & echo $! > /tmp/hub"
    )
    wait(shell, f"rsb_service -d {device} check manager")
    yield device
    shell.run("kill $(cat /tmp/hub)")
    wait(shell, "! kill -0 $(cat /tmp/hub)")


@pytest.fixture
def service(shell, hub):
    """binder-echo as the service test.echo."""
    shell.run_check(
        f"binder-echo -d {hub} serve test.echo > /tmp/echo.log 2>&1 & echo $! > /tmp/echo"
    )
    wait(shell, f"rsb_service -d {hub} check test.echo")
    yield "test.echo"
    shell.run("kill -9 $(cat /tmp/echo)")


def wait(shell, condition):
    """Waits until a command of the shell succeeds."""
    loop = f"for i in $(seq 50); do {condition} && break; sleep 0.2; done > /dev/null 2>&1"
    shell.run_check(f"{loop}; {condition} > /dev/null 2>&1", timeout=120)


def test_rsb_device_makes_a_device_and_its_link(shell, device):
    path = f"/dev/binderfs/{device}"
    assert shell.run_check(f"readlink /dev/{device}") == [path]
    assert shell.run_check(f"stat -c %a {path}") == ["600"]
    # Again, with other rights: the device stays.
    shell.run_check(f"rsb_device {device} --mode 0660")
    assert shell.run_check(f"stat -c %a {path}") == ["660"]


@pytest.mark.parametrize("name", ["../shm/x", "''", "."])
def test_rsb_device_refuses_bad_names(shell, name):
    assert shell.run(f"rsb_device {name}")[2] != 0


def test_a_service_is_registered_found_and_called(shell, hub, service):
    """Through rsb_hub, each from a process of its own."""
    pid = shell.run_check("cat /tmp/echo")[0]
    assert shell.run_check(f"rsb_service -d {hub} list") == ["manager", service]
    assert f"{service}  pid={pid}" in shell.run_check(f"rsb_service -d {hub} info")
    answer = shell.run_check(f"rsb_service -d {hub} check {service}")
    assert answer == [f"{service}: registered (ironroot.IEcho)"]
    assert shell.run_check(f"binder-echo -d {hub} call {service} hello") == [f"hello from {pid}"]
    text = "through a descriptor"
    assert shell.run_check(f"binder-echo -d {hub} descriptor {service} '{text}'") == [text]
    output, _, code = shell.run(f"binder-echo -d {hub} call test.nobody hello")
    assert (output, code) == (["binder-echo: test.nobody: NameNotFound"], 1)


def test_a_killed_service_is_announced_and_forgotten(shell, hub, service):
    shell.run_check(f"binder-echo -d {hub} watch {service} > /tmp/watch.log 2>&1 & sleep 0")
    wait(shell, "grep -q watching /tmp/watch.log")
    shell.run_check("kill -9 $(cat /tmp/echo)")
    wait(shell, "grep -q died /tmp/watch.log")
    assert shell.run_check("cat /tmp/watch.log") == [f"watching {service}", f"{service} died"]
    wait(shell, f"! rsb_service -d {hub} check {service}")
    assert shell.run_check(f"rsb_service -d {hub} list") == ["manager"]


@pytest.mark.expects(r"rust_binder: BINDER_SET_CONTEXT_MGR already set")
def test_a_second_service_manager_is_refused(shell, hub):
    output, _, code = shell.run(f"rsb_hub -d {hub} --insecure-allow-all 2>&1")
    assert code == 1
    assert "Device or resource busy" in "\n".join(output)
    shell.run_check(f"rsb_service -d {hub} check manager")


def test_a_service_manager_needs_a_policy(shell, device):
    """Without one it refuses to start rather than to allow everything."""
    assert shell.run(f"rsb_hub -d {device} -c /nonexistent")[2] != 0


def test_no_service_manager(shell, device):
    could_not_be_answered = 2
    assert shell.run(f"rsb_service -d {device} list")[2] == could_not_be_answered


def test_libgbinders_client_reaches_the_service_manager(shell, hub):
    """Another library: its ping is answered. Its dialects are older than rsb_hub's, so no names."""
    if shell.run("which binder-list")[2] != 0:
        pytest.skip("no libgbinder-tools on the image: Debian has them for arm64 alone")
    output = "\n".join(shell.run_check(f"binder-list -v -d /dev/{hub} 2>&1"))
    assert f"Opened /dev/{hub} version 8" in output
    assert f"/dev/{hub} has service manager" in output


@pytest.fixture(scope="session")
def selftest(tmp_path_factory):
    """The kernel's own test of binderfs, compiled from the kernel's source for the board."""
    source = quick("source")
    gnu, sysroot = quick("sysroot", os.environ["IRONROOT_BOARD"]).split()
    scratch = tmp_path_factory.mktemp("selftest")
    program = scratch / "binderfs_test"
    tests = f"{source}/tools/testing/selftests"
    # Its harness allows each test 30 seconds: an emulated board on a busy machine needs more.
    patience = "#define TEST_TIMEOUT_DEFAULT 30"
    harness = Path(tests, "kselftest_harness.h").read_text()
    assert patience in harness
    (scratch / "kselftest_harness.h").write_text(harness.replace(patience, f"{patience}0"))
    command = ["clang", f"--target={gnu}", f"--sysroot={sysroot}", "-fuse-ld=lld", "-O2", "-s"]
    command += [f"-I{scratch}", f"-I{tests}", "-pthread", "-o", program]
    subprocess.run([*command, f"{tests}/filesystems/binderfs/binderfs_test.c"], check=True)
    return program


def test_the_kernels_selftest_of_binderfs(shell, selftest):
    upload.by_console(shell, selftest, "/tmp/binderfs_test")
    output = shell.run_check("/tmp/binderfs_test; rm /tmp/binderfs_test", timeout=330)
    assert re.search(r"^# PASSED: 3 / 3 tests passed", "\n".join(output), re.M), "\n".join(output)
    assert not [line for line in output if "SKIP" in line]


@pytest.mark.qemu_only("the program is too large for a serial line")
def test_rsbinders_own_tests(shell, rounds):
    """The crate's unit tests, on the board's default context with a service manager."""
    if not rounds(0, 1):
        pytest.skip("minutes of compiling: make test-all runs it")
    program = quick("crate-tests", os.environ["IRONROOT_BOARD"], "binder-tools", "rsbinder", "rpc")
    upload.by_network(shell, [program], "/tmp/rsbinder")
    shell.run_check("rsb_hub --insecure-allow-all > /tmp/hub.log 2>&1 & echo $! > /tmp/hub")
    try:
        wait(shell, "rsb_service check manager")
        # The console is slow: only the end, and what failed, travels.
        shell.run("/tmp/rsbinder/tests > /tmp/rsbinder/log 2>&1", timeout=300)
        failed = shell.run("grep -E '^test .*FAILED|panicked' /tmp/rsbinder/log")[0]
        result = shell.run("grep '^test result:' /tmp/rsbinder/log")[0]
    finally:
        shell.run("kill $(cat /tmp/hub); rm -r /tmp/rsbinder")
    assert failed == []
    match = re.fullmatch(r"test result: ok\. (\d+) passed; 0 failed; .*", result[0])
    assert match, result
    assert int(match[1]) > 300
