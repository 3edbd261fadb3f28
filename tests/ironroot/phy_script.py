# SPDX-License-Identifier: MIT
"""What a test does with simulated PHYs, as one script that the board runs in one go.

A round trip to the console takes longer than what it asks for: a `Script` makes one for all its
answers. What they are is known when the board is through: each is an `Answer` until then.
"""

import base64
import gzip
import shlex

from ironroot.phy import BMSR, BMSR_ANEG_COMPLETE, BMSR_LINK, device_tree

# busybox takes lines of about a thousand characters: phy_sim's commands in one, and the console's.
CHUNK, LINE = 600, 850
PROGRAM = "/tmp/phy-script"
MODPROBE = "/proc/sys/kernel/modprobe"
# A test that was cut off may have left MODPROBE empty.
WAS = "/tmp/modprobe.was"
PRELUDE = f"""
set -e
cleanup() {{
    cat {WAS} > {MODPROBE}
    [ ! -e /dev/phy-sim ] || echo reset > /dev/phy-sim
    [ ! -e /sys/module/$driver ] || rmmod $driver
    [ ! -e /sys/module/phy_sim ] || rmmod phy_sim
    [ -z "$own" ] || give_back
}}
take() {{
    route=$(ip route | grep ^default) || true
    ip link set eth0 down
    for driver in $own; do rmmod $driver; done
}}
give_back() {{
    for driver in $own; do modprobe $driver; done
    ip link set eth0 up
    [ -z "$route" ] || ip route add $route
}}
# An answer ends with the status.
answer() {{ if eval "$1" 2>&1; then status=0; else status=$?; fi; echo "= $status"; }}
# An error must not go unseen behind the next line's success: one write each.
tell() {{ printf "$1" > /dev/phy-sim; }}
ask() {{ tell "$1" && cat /dev/phy-sim; }}
carrier() {{
    for i in $(seq 500); do
        [ $(cat /sys/class/net/$netdev/carrier) = $1 ] && return
        usleep 20000
    done
    echo carrier never $1
    return 1
}}
# phylib would load the driver of its choice: any that knows the identifier.
was=$(cat {MODPROBE})
[ -z "$was" ] || echo $was > {WAS}
# The board's own Ethernet may have one of the drivers, which would have the simulated PHY too.
own=
for driver in $drivers; do [ ! -e /sys/module/$driver ] || own="$own $driver"; done
[ -z "$own" ] || take
driver=none
trap cleanup EXIT
echo > {MODPROBE}
modprobe phy_sim
"""


class Answer:
    """What the board will answer; `parse` makes it of the lines and the status."""

    def __init__(self, number, parse):
        self._number = number
        self._parse = parse

    def then(self, function):
        """What `function` makes of this answer."""
        return Answer(self._number, lambda *answer: function(self._parse(*answer)))

    def given(self, answers):
        """The answer, out of all answers of the script."""
        return self._parse(*answers[self._number])


def given(value, answers):
    """`value` with each `Answer` in it given."""
    match value:
        case Answer():
            return value.given(answers)
        case list() | tuple():
            return type(value)(given(item, answers) for item in value)
        case dict():
            return {key: given(item, answers) for key, item in value.items()}
    return value


def last_word(lines, _status):
    """The error in a shell's complaint."""
    return lines[-1].rsplit(": ", 1)[1]


def report(lines, status):
    """The entries of one line in what ethtool says of a link."""
    assert status == 0, lines
    return dict(line.split(": ", 1) for line in map(str.strip, lines) if ": " in line)


def writes(log):
    """The writes among accesses to registers."""
    return [entry for entry in log if entry[0]]


class Script:
    """A PHY at address 0 of phy_sim's bus, and the network device that is attached to it."""

    def __init__(self):
        self.commands = []
        self.answers = 0

    def do(self, command):
        """A shell command whose failure ends the test."""
        self.commands.append(command)

    def answer(self, command, parse=lambda lines, status: (lines, status)):
        """What a shell command prints, and its status."""
        self.do(f"answer {shlex.quote(command)}")
        self.answers += 1
        return Answer(self.answers - 1, parse)

    def script(self, commands):
        """Commands of phy_sim."""
        text = ""
        for command in commands:
            if len(text) + len(command) > CHUNK:
                self.do(f"tell '{text}'")
                text = ""
            text += command + r"\n"
        if text:
            self.do(f"tell '{text}'")

    def ask(self, *commands):
        """The lines that commands of phy_sim answer with."""
        # One write: the answer is that to the last.
        text = "".join(rf"{command}\n" for command in commands)
        return self.answer(f'ask "{text}"', lambda lines, _: lines)

    def _values(self, commands):
        return self.ask(*commands).then(lambda lines: [int(line, 16) for line in lines])

    def set(self, register, value, page=0):
        """Gives a register a value."""
        self.script([f"reg 0 {page} {register} {value}"])

    def get(self, register, page=0):
        """A register's value."""
        return self.registers((page, register)).then(lambda values: values[0])

    def registers(self, *places):
        """The values of registers, each given by its page and number."""
        return self._values(f"get 0 {page} {register}" for page, register in places)

    def mmd(self, devad, registers):
        """The values of registers of an MMD."""
        return self._values(f"getmmd 0 {devad} {register}" for register in registers)

    def log(self):
        """All accesses to registers since the last call: (is a write, register, value)."""

        def parse(lines):
            entries = [line.split() for line in lines]
            return [(kind == "w", int(reg), int(value, 16)) for kind, _, reg, value in entries]

        return self.ask("log").then(parse)

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
        self.do(f"netdev=$(ask 'attach 0 {mode}')")

    def refusal(self, command):
        """The error that a command of phy_sim ends with."""
        # Other than echo, printf does not say what went wrong.
        return self.answer(f"! echo '{command}' > /dev/phy-sim", last_word)

    def up(self):
        """Brings the network device up; phylib has then started the PHY."""
        self.do("ip link set $netdev up")
        # Else it may read a half of what the script changes next.
        self.settle()

    def down(self):
        """Takes the network device down."""
        self.do("ip link set $netdev down")

    def driver(self):
        """The name of the driver that is bound to the PHY."""
        path = "/sys/class/net/$netdev/phydev/driver"
        return self.answer(f'basename "$(readlink {path})"', lambda lines, _: lines[0])

    def wait_for_carrier(self, value):
        """Waits until the network device has a carrier, or none."""
        self.do(f"carrier {value}")

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
        """What ethtool says, and its exit status; `$netdev` is the network device."""
        return self.answer(f"ethtool {arguments}", lambda lines, s: ([x.strip() for x in lines], s))

    def settle(self):
        """Waits until what phylib is about to do with the PHY is done."""
        self.script(["settle 0"])

    def settings(self):
        """ethtool's report on the link, as a dictionary of its one-line entries."""
        return self.answer("ethtool $netdev", report)

    def wakeup(self):
        """What ethtool says of waking the system."""
        names = ("Wake-on", "SecureOn")
        return self.ethtool("$netdev").then(
            lambda seen: [line for line in seen[0] if any(name in line for name in names)]
        )


def compare(shell, drivers, cases, observe):
    """What `observe` returns with each of the drivers, in each case, on PHYs that power up alike.

    A case is the script that gives the PHY's registers their values, under a name.
    """
    script = Script()
    planned = {}
    for case, power_up in cases.items():
        script.script(["reset", "phy 0", *power_up])
        planned[case] = observe(script, case)
    function = "\n".join(["cases() {", *script.commands, "}"])
    turns = [
        "for driver in $drivers; do",
        "modprobe $driver; cases; tell reset; rmmod $driver",
        "done",
    ]
    program = [f"drivers='{' '.join(drivers)}'", PRELUDE, function, *turns]
    lines = run(shell, "\n".join(program))
    answers = []
    printed = []
    for line in lines:
        if line.startswith("= "):
            answers.append((printed, int(line[2:])))
            printed = []
        else:
            printed.append(line)
    size = script.answers
    by_driver = [answers[i * size : (i + 1) * size] for i in range(len(drivers))]
    return {case: [given(plan, each) for each in by_driver] for case, plan in planned.items()}


def both(shell, drivers, power_up, observe):
    """What `observe` returns with each of the drivers, on PHYs that power up alike."""
    return compare(shell, drivers, {"": power_up}, lambda sim, _: observe(sim))[""]


def run(shell, program):
    """What a shell script prints on the board."""
    text = base64.b64encode(gzip.compress(program.encode())).decode()
    start = 0
    for start in range(0, len(text), LINE):
        shell.run_check(f"echo {text[start : start + LINE]} >{'>' if start else ''} {PROGRAM}")
    decode = f"base64 -d {PROGRAM} | gunzip > {PROGRAM}.sh"
    return shell.run_check(f"{decode} && sh {PROGRAM}.sh", timeout=120)
