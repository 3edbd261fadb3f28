# SPDX-License-Identifier: MIT
"""The binder file system: whose it is, its devices, its options, the contexts made at boot."""

import pytest

BINDERFS = "/dev/binderfs"
BOOT_SCRIPT = "/etc/init.d/S15binderfs"
SETTINGS = "/etc/default/binderfs"


@pytest.fixture
def mounted(shell):
    """Mounts a binder file system of its own with options; gives its path."""
    path = "/tmp/binderfs-test"
    shell.run_check(f"mkdir -p {path}")

    def mount(options):
        shell.run_check(f"mount -t binder -o {options} binder {path}")
        return path

    yield mount
    shell.run(f"umount {path}; rmdir {path}")


@pytest.fixture
def device(shell):
    """Names a device for a test to make; removed afterwards."""
    yield "test-device"
    shell.run(f"rm -f {BINDERFS}/test-device")


def refusal(shell, binderfs, name):
    """What adding a device says when it fails."""
    output, _, code = shell.run(f"binder-probe add {binderfs} '{name}'")
    assert code == 1
    return output[0].removeprefix("binder-probe: ")


def test_is_the_rust_one(shell):
    """include/uapi/linux/magic.h has 6c6f6f70 for the C driver's."""
    assert shell.run_check(f"stat -f -c %t {BINDERFS}") == ["6c6f6f71"]


def test_a_device_is_added_used_and_removed(shell, probe, device):
    path = f"{BINDERFS}/{device}"
    added = shell.run_check(f"binder-probe add {BINDERFS} {device}")
    numbers = dict(line.split("=") for line in added)
    major = shell.run_check("grep rust_binder /proc/devices")[0].split()[0]
    assert numbers["major"] == major
    major, minor = (f"{int(numbers[key]):x}" for key in ("major", "minor"))
    kind = "character special file"
    assert shell.run_check(f"stat -c '%t %T %a %F' {path}") == [f"{major} {minor} 600 {kind}"]
    assert refusal(shell, BINDERFS, device) == "File exists (os error 17)"
    shell.run_check(f"rm {path}")
    assert shell.run(f"test -e {path}")[2] != 0
    shell.run_check(f"binder-probe add {BINDERFS} {device}")
    # Every scenario of the probe adds a device, uses and removes it.
    before = shell.run_check(f"ls {BINDERFS}")
    assert probe("version") == {"version": "8"}
    assert shell.run_check(f"ls {BINDERFS}") == before


@pytest.mark.parametrize("name", ["", ".", "..", "a/b"])
def test_bad_names_are_refused(shell, name):
    before = shell.run_check(f"ls {BINDERFS}")
    assert refusal(shell, BINDERFS, name) == "Permission denied (os error 13)"
    assert shell.run_check(f"ls {BINDERFS}") == before


@pytest.mark.parametrize("name", ["binder-control", "features", "binder"])
def test_names_in_use_are_refused(shell, name):
    assert refusal(shell, BINDERFS, name) == "File exists (os error 17)"


def test_a_long_name_is_cut(shell):
    shell.run_check(f"binder-probe add {BINDERFS} {'n' * 300}")
    shell.run_check(f"rm {BINDERFS}/{'n' * 255}")


@pytest.mark.parametrize("command", ["rm", "mv -f /dev/binderfs/hwbinder"])
def test_the_control_device_stays(shell, command):
    shell.run(f"{command} {BINDERFS}/binder-control")
    shell.run_check(f"test -c {BINDERFS}/binder-control && test -c {BINDERFS}/hwbinder")


def test_nothing_else_can_be_made(shell):
    for command in ("touch", "mkdir"):
        assert shell.run(f"{command} {BINDERFS}/other")[2] != 0
    assert shell.run(f"mknod {BINDERFS}/other c 1 3")[2] != 0
    assert shell.run(f"test -e {BINDERFS}/other")[2] != 0


def test_features_of_the_driver(shell):
    features = "extended_error freeze_notification oneway_spam_detection transaction_report"
    assert shell.run_check(f"cd {BINDERFS}/features && grep -c 1 *") == [
        f"{name}:1" for name in features.split()
    ]


def test_mounts_are_apart_and_limited(shell, mounted):
    """Three devices come with the mount, max=4 leaves room for one."""
    path = mounted("max=4")
    shell.run_check(f"binder-probe add {path} four")
    assert refusal(shell, path, "five") == "No space left on device (os error 28)"
    assert shell.run(f"test -e {BINDERFS}/four")[2] != 0
    shell.run_check(f"rm {path}/four && binder-probe add {path} five")


def test_statistics(shell, mounted):
    logs = mounted("stats=global") + "/binder_logs"
    assert set(shell.run_check(f"ls -1 {logs}")) == {"proc", "state", "stats", "transactions"}
    assert shell.run_check(f"head -n 1 {logs}/state") == ["binder state:"]
    # A session shows as long as it is open.
    shell.run_check(f"sleep 60 3<> {logs}/../binder & echo $! > /tmp/sleep")
    try:
        pid = shell.run_check("cat /tmp/sleep")[0]
        open_ = f"grep -q 'proc {pid}' {logs}/state"
        shell.run_check(f"for i in $(seq 50); do {open_} && exit; sleep 0.2; done; exit 1")
        assert shell.run_check(f"ls {logs}/proc") == [pid]
    finally:
        gone = "while kill -0 $p 2>/dev/null; do sleep 0.1; done"
        shell.run_check(f"p=$(cat /tmp/sleep); kill $p; {gone}")


@pytest.mark.expects(r"binder: Bad value for '(max|stats)'")
@pytest.mark.parametrize("options", ["max=1048577", "stats=local", "max=-1"])
def test_bad_options_are_refused(shell, options):
    assert shell.run(f"mount -t binder -o {options} binder /mnt")[2] != 0


def test_contexts_are_configurable(shell):
    """The boot script makes what /etc/default/binderfs names, and nothing else."""
    shell.run_check(f"cp {SETTINGS} /tmp/settings")
    try:
        shell.run_check(f"echo 'CONTEXTS=\"binder mine\"' > {SETTINGS}")
        shell.run_check(f"{BOOT_SCRIPT} stop && {BOOT_SCRIPT} start")
        names = shell.run_check(f"ls -1 {BINDERFS}")
        assert names == ["binder", "binder-control", "features", "mine"]
        assert shell.run_check("readlink /dev/mine") == [f"{BINDERFS}/mine"]
        assert shell.run("test -e /dev/hwbinder")[2] != 0
    finally:
        shell.run_check(f"mv /tmp/settings {SETTINGS}; {BOOT_SCRIPT} stop; {BOOT_SCRIPT} start")
    assert {"binder", "hwbinder", "vndbinder"} <= set(shell.run_check(f"ls -1 {BINDERFS}"))
    assert shell.run("test -e /dev/mine")[2] != 0
