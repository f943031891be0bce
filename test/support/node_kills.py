"""The launched stack, brought into a phase of a drive, and one of its nodes killed there."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from support.onlooker import RELEASED, Onlooker
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.messages import interfaces

HEARD = {
    "policy": interfaces.POLICY_OUTPUT,
    "expert": interfaces.EXPERT_OUTPUT,
    "monitor": interfaces.REQUEST,
    "joystick": interfaces.HUMAN_COMMAND,
    "recorder": interfaces.DIAGNOSTICS,
}
PHASES = ("start", "driving", "takeover", "hand-back", "minimum-risk stop")
WAIT_S = 60.0
AFTER_S = 3.0
STEER = 0.2  # of the wheel's axis: a person has it, and the lane is not left within a row
FAST_MPS = 6.0  # from which a minimum-risk stop takes longer than a kill


class Kill(NamedTuple):
    """What followed a kill: the mode it found and the first other one, the longest time in s between two commands and
    how long the node took to be heard again (None: it was not), and when it was, by the steady clock."""

    node: str
    phase: str
    mode: M
    then: M
    longest_gap_s: float
    heard_again_s: float | None
    at: float


class Launched:
    """``ros2 launch takead_ros sim.launch.py sim:=vector`` in a ROS domain of its own, and the person at ``/joy``."""

    def __init__(self, folder: Path, domain: int) -> None:
        self.person = Onlooker(domain)  # first: where it fails, nothing is left running
        self.person.axes = list(RELEASED)
        command = ["ros2", "launch", "takead_ros", "sim.launch.py", "sim:=vector", "family:=cut_in", "joystick:=topic"]
        self.process = subprocess.Popen(
            ["env", "--default-signal=INT", *command, f"bags:={folder / 'clips'}"],
            stdout=(folder / "log").open("wb"),
            stderr=subprocess.STDOUT,
            env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
            start_new_session=True,
        )
        self._heard: dict[str, float] = {}
        for name, interface in HEARD.items():
            self.person.hear(interface, self._hearer(name))

    def _hearer(self, name: str) -> Callable[[Any], None]:
        def hear(msg: Any) -> None:
            if name == "recorder" and not any("/recorder_node: " in one.name for one in msg.status):
                return
            if name in ("policy", "expert") and msg.status != msg.OK:
                return
            self._heard[name] = time.monotonic()

        return hear

    def _until(self, seconds: float, holds: Callable[[], bool]) -> bool:
        self.person.until(seconds, lambda: holds() or self.process.poll() is not None)
        return holds()

    def _pids(self, name: str) -> list[int]:
        """Our launch's processes of a node."""
        found = subprocess.run(["ps", "-wweo", "pid,args"], capture_output=True, text=True, check=True).stdout
        ours = [int(line.split()[0]) for line in found.splitlines() if f"lib/takead_ros/{name}_node" in line]
        return [one for one in ours if os.getpgid(one) == os.getpgid(self.process.pid)]

    def reach(self, phase: str) -> bool:
        """Bring the stack into one of ``PHASES``; whether it is there."""
        person = self.person
        person.axes = list(RELEASED)
        if phase == "start":
            return self._until(WAIT_S, lambda: person.mode is M.DISENGAGED and bool(person.modes))
        if not self._driven(FAST_MPS if phase == "minimum-risk stop" else 0.0):
            return False
        if phase == "driving":
            return True
        if phase == "minimum-risk stop":
            (simulator,) = self._pids("simulator")
            os.kill(simulator, signal.SIGSTOP)  # no scene any more
            try:
                return self._until(5.0, lambda: person.mode is M.MRM)
            finally:
                os.kill(simulator, signal.SIGCONT)
        person.axes = [STEER, *RELEASED[1:]]
        if not self._until(5.0, lambda: person.mode is M.HUMAN):
            return False
        if phase == "takeover":
            return True
        person.axes = list(RELEASED)
        return self._until(5.0, lambda: person.mode in (M.HANDBACK, M.EXPERT))

    def _driven(self, mps: float) -> bool:
        """Have the automation drive, this fast at least; whether it does. After a stop only ``engage`` lets it."""
        person = self.person

        def drives() -> bool:
            return person.driven and person.speed >= mps

        end = time.monotonic() + WAIT_S
        while not drives() and time.monotonic() < end and self.process.poll() is None:
            if person.mode is M.STOPPED:
                person.engage()
            self._until(1.0, drives)
        return drives()

    def kill(self, name: str, phase: str) -> Kill | None:
        """Kill one node now, and wait until the launch has it back; None where it is not there."""
        before, ours = self.person.mode, self._pids(name)
        if len(ours) != 1:
            return None
        killed = time.monotonic()
        os.kill(ours[0], signal.SIGKILL)
        self.person.until(0.2)  # what was on its way
        self._heard.pop(name, None)
        back = self._until(WAIT_S, lambda: name in self._heard)
        recovered = self._heard[name] - killed if back else None
        self.person.until(AFTER_S)
        others = [mode for mode in self.person.modes_since(killed) if mode is not before]
        gap = self.person.longest_gap(killed)
        return Kill(name, phase, before, others[0] if others else before, gap, recovered, killed)

    def close(self) -> None:
        self.person.close()
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
