# SPDX-License-Identifier: MIT
"""phy_sim on the board: an MDIO bus with simulated PHYs, and what user space sees of them."""

import subprocess
from contextlib import contextmanager

# busybox takes lines of about a thousand characters: a script in one, and a line of several steps.
CHUNK, LINE = 600, 850
MODPROBE = "/proc/sys/kernel/modprobe"
BMCR, BMSR, LPA, STAT1000 = 0, 1, 5, 10
# Bits that a PHY for copper sets in BMSR: link, auto-negotiation complete.
BMSR_LINK, BMSR_ANEG_COMPLETE = 0x0004, 0x0020

# The nodes of phy_sim's device tree are not in /sys/firmware/devicetree.
NO_SYSFS_NODE = r"(mdio_bus phy-sim-\d+(:00)?|hwmon hwmon\d+): Error -2 creating of_node link"


def device_tree(properties, in_mac=False):
    """A bus with one PHY at address 0 that has these properties, or its MAC has; as a blob."""
    phy = f"ethernet-phy@0 {{ reg = <0>; {properties} }};"
    bus = f"mdio {{ #address-cells = <1>; #size-cells = <0>; {phy} }};"
    mac = f"mac {{ {properties} }};"
    source = f"/dts-v1/; / {{ {mac if in_mac else bus} }};"
    command = ["dtc", "-q", "-I", "dts", "-O", "dtb"]
    return subprocess.run(command, input=source.encode(), capture_output=True, check=True).stdout


class Sim:
    """A PHY at address 0 of phy_sim's bus, and the network device that is attached to it.

    A round trip to the console takes longer than what it asks for: steps without an answer wait
    for the next one with an answer.
    """

    def __init__(self, shell):
        self._shell = shell
        self._script = ""
        self._steps = []
        self.netdev = ""

    def _queue(self, step):
        if self._steps and len(step) + sum(len(other) + 4 for other in self._steps) > LINE:
            self.finish()
        self._steps.append(step)

    def _end_script(self):
        script, self._script = self._script, ""
        if script:
            # One write: an error must not go unseen behind the next line's success.
            self._queue(f"printf '{script}' > /dev/phy-sim")

    def _step(self, command):
        """Queues a shell command that prints nothing unless it fails."""
        self._end_script()
        self._queue(command)

    def _answer(self, command):
        """The lines that a shell command prints, after all that was queued."""
        self._step(command)
        return self.finish()

    def finish(self):
        """Runs what is queued."""
        self._end_script()
        steps, self._steps = self._steps, []
        return self._shell.run_check(" && ".join(steps), timeout=60) if steps else []

    def script(self, commands):
        """Queues commands of phy_sim."""
        for command in commands:
            if len(self._script) + len(command) > CHUNK:
                self._end_script()
            self._script += command + r"\n"

    def ask(self, *commands):
        """The lines that commands of phy_sim answer with."""
        # The answer is that to the last write.
        self._end_script()
        self.script(commands)
        return self._answer("cat /dev/phy-sim")

    def refusal(self, command):
        """The error that a command of phy_sim ends with."""
        lines = self._answer(f"{{ ! echo '{command}' > /dev/phy-sim; }} 2>&1")
        return lines[-1].rsplit(": ", 1)[1]

    def set(self, register, value, page=0):
        """Gives a register a value."""
        self.script([f"reg 0 {page} {register} {value}"])

    def get(self, register, page=0):
        """A register's value."""
        return self.registers((page, register))[0]

    def registers(self, *places):
        """The values of registers, each given by its page and number."""
        return self._values(f"get 0 {page} {register}" for page, register in places)

    def mmd(self, devad, registers):
        """The values of registers of an MMD."""
        return self._values(f"getmmd 0 {devad} {register}" for register in registers)

    def _values(self, commands):
        return [int(line, 16) for line in self.ask(*commands)]

    def log(self):
        """All accesses to registers since the last call: (is a write, register, value)."""
        entries = [line.split() for line in self.ask("log")]
        return [(kind == "w", int(reg), int(value, 16)) for kind, _, reg, value in entries]

    def start(self, properties="", in_mac=False):
        """Registers the bus; the PHY's node has these properties of the device tree.

        With `in_mac` the MAC's node has them, and the PHY has none. Without any there is no tree.
        """
        text = "" if properties is None else device_tree(properties, in_mac).hex()
        part = CHUNK // 4
        self.script([f"dt {text[at : at + part]}" for at in range(0, len(text), part)])
        self.script(["start"])

    def attach(self, mode):
        """Attaches a network device and gives it power."""
        self.netdev = self.ask(f"attach 0 {mode}")[0]

    def up(self):
        """Brings the network device up."""
        self._step(f"ip link set {self.netdev} up")

    def down(self):
        """Takes the network device down."""
        self._step(f"ip link set {self.netdev} down")

    def driver(self):
        """The name of the driver that is bound to the PHY."""
        path = f"/sys/class/net/{self.netdev}/phydev/driver"
        return self._answer(f'basename "$(readlink {path})"')[0]

    def wait_for_carrier(self, value):
        """Waits until the network device has a carrier, or none."""
        carrier = f"/sys/class/net/{self.netdev}/carrier"
        self._step(
            f"(for i in $(seq 500); do [ $(cat {carrier}) = {value} ] && exit; usleep 20000; done;"
            f" echo carrier never {value}; exit 1)"
        )

    def link(self, up, bmsr, registers, interrupt=None):
        """The link comes or goes: what registers say of it, BMSR last; waits for the carrier.

        `interrupt` is the register with what is pending, and its value; without it the PHY keeps
        the news to itself.
        """
        values = [*registers.items(), (BMSR, bmsr | (BMSR_LINK | BMSR_ANEG_COMPLETE if up else 0))]
        if interrupt:
            values.append(interrupt)
        script = [f"reg 0 0 {register} {value}" for register, value in values]
        self.script([*script, "irq 0"] if interrupt else script)
        self.wait_for_carrier(int(up))

    def ethtool(self, arguments):
        """What ethtool says, and its exit status."""
        arguments = arguments.format(self.netdev)
        *lines, status = self._answer(f"{{ ethtool {arguments} 2>&1; echo $?; }}")
        return [line.strip() for line in lines], int(status)

    def settle(self):
        """Waits until what phylib is about to do with the PHY after a link's change is done."""
        # Asking takes the lock that phylib's state machine has meanwhile.
        self.settings()

    def settings(self):
        """ethtool's report on the link, as a dictionary of its one-line entries."""
        lines, status = self.ethtool("{}")
        assert status == 0, lines
        return dict(line.split(": ", 1) for line in lines if ": " in line)


@contextmanager
def loaded(shell, driver):
    """phy_sim, and `driver` alone to serve its PHYs; both gone afterwards."""
    # phylib would load the driver of its choice: any that knows the identifier.
    shell.run_check(
        f'was=$(cat {MODPROBE}); [ -z "$was" ] || echo $was > /tmp/modprobe.was;'
        f" echo > {MODPROBE}; modprobe phy_sim && modprobe {driver}",
        timeout=60,
    )
    try:
        yield
    finally:
        shell.run_check(
            f"cat /tmp/modprobe.was > {MODPROBE}; echo reset > /dev/phy-sim;"
            f" rmmod {driver} && rmmod phy_sim",
            timeout=60,
        )


def compare(shell, drivers, cases, observe):
    """What `observe` returns with each of the drivers, in each case, on PHYs that power up alike.

    A case is the script that gives the PHY's registers their values, under a name.
    """
    seen = {case: [] for case in cases}
    for driver in drivers:
        with loaded(shell, driver):
            for case, power_up in cases.items():
                sim = Sim(shell)
                sim.script(["reset", "phy 0", *power_up])
                seen[case].append(observe(sim, case))
                sim.finish()
    return seen


def both(shell, drivers, power_up, observe):
    """What `observe` returns with each of the drivers, on PHYs that power up alike."""
    return compare(shell, drivers, {"": power_up}, lambda sim, _: observe(sim))[""]


def basic_phy(phy_id, bmsr=0x7809):
    """What every PHY for 10 and 100 Mbit/s powers up with."""
    return [
        f"reg 0 0 0 {0x1000}",
        f"selfclear 0 0 0 {0x8200}",
        f"reg 0 0 1 {bmsr}",
        f"readonly 0 0 1 {0xFFFF}",
        f"reg 0 0 2 {phy_id >> 16}",
        f"reg 0 0 3 {phy_id & 0xFFFF}",
        f"reg 0 0 4 {0x1E1}",
    ]
