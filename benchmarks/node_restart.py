"""Each node killed by SIGKILL in each phase of a drive, and started again: is the vehicle defined throughout?

    python3 benchmarks/node_restart.py --json restart.json

Needs a sourced ROS 2 in which this package is built. Starts ``sim.launch.py sim:=vector joystick:=topic``, is the
person at ``/joy``, brings the stack into a phase and kills one node, which the launch starts again. Takes down the
longest gap between two commands, the first mode that followed, and how long the node took to be heard again. A row
whose phase was not reached is left out.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.host import wiring
from takead_ros.messages import interfaces, types

HEARD = {
    "policy": interfaces.POLICY_OUTPUT,
    "expert": interfaces.EXPERT_OUTPUT,
    "monitor": interfaces.REQUEST,
    "joystick": interfaces.HUMAN_COMMAND,
    "recorder": interfaces.DIAGNOSTICS,
}
RELEASED = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
WAIT_S = 60.0
AFTER_S = 3.0
STEER = 0.2  # of the wheel's axis: a person has it, and the lane is not left within a row
FAST_MPS = 6.0  # from which a minimum-risk stop takes longer than a kill
PHASES = ("start", "driving", "takeover", "hand-back", "minimum-risk stop")


class Drive:
    """The launched stack, the person at /joy, and what is heard."""

    def __init__(self, folder: Path) -> None:
        os.environ["ROS_DOMAIN_ID"] = str(20 + os.getpid() % 60)
        self.log = folder / "log"
        command = ["ros2", "launch", "takead_ros", "sim.launch.py", "sim:=vector", "family:=cut_in", "joystick:=topic"]
        self.process = subprocess.Popen(
            ["env", "--default-signal=INT", *command, f"bags:={folder / 'clips'}"],
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        rclpy.init()
        self.node = Node("person", namespace="takead")
        self.axes: list[float] | None = list(RELEASED)
        self.commands: list[float] = []
        self.modes: list[tuple[float, M]] = []
        self.heard: dict[str, float] = {}
        self.speed = 0.0  # m/s
        self.joy = wiring.publisher(self.node, interfaces.JOY)
        self.node.create_timer(0.02, self._press)
        wiring.subscription(self.node, interfaces.COMMAND, lambda _: self.commands.append(time.monotonic()))
        wiring.subscription(self.node, interfaces.ARBITER_STATE, self._on_state)
        wiring.subscription(self.node, interfaces.SCENE, self._on_scene)
        self.engage = wiring.client(self.node, interfaces.ENGAGE)
        for name, interface in HEARD.items():
            wiring.subscription(self.node, interface, self._hearer(name))
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def _press(self) -> None:
        if self.axes is not None:
            stamp = self.node.get_clock().now().to_msg()
            joy = types.Joy(axes=self.axes, buttons=[0] * 11)
            joy.header.stamp = stamp
            self.joy.publish(joy)

    def _on_state(self, msg: Any) -> None:
        self.modes.append((time.monotonic(), M(msg.state)))

    def _on_scene(self, msg: Any) -> None:
        self.speed = float(msg.ego.speed)

    def _hearer(self, name: str) -> Callable[[Any], None]:
        def hear(msg: Any) -> None:
            if name == "recorder" and not any("/recorder_node: " in one.name for one in msg.status):
                return
            if name in ("policy", "expert") and msg.status != msg.OK:
                return
            self.heard[name] = time.monotonic()

        return hear

    @property
    def mode(self) -> M:
        return self.modes[-1][1] if self.modes else M.DISENGAGED

    def until(self, seconds: float, holds: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not holds() and self.process.poll() is None:
            self.executor.spin_once(timeout_sec=0.02)
        return holds()

    def pids(self, name: str) -> list[int]:
        """Our launch's processes of a node."""
        found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
        ours = [int(line.split()[0]) for line in found.splitlines() if f"lib/takead_ros/{name}_node" in line]
        return [one for one in ours if os.getpgid(one) == os.getpgid(self.process.pid)]

    def reach(self, phase: str) -> bool:
        """Bring the stack into a phase."""
        self.axes = list(RELEASED)
        if phase == "start":
            return self.until(WAIT_S, lambda: self.mode is M.DISENGAGED and bool(self.modes))
        driving = lambda: self.mode in (M.POLICY, M.EXPERT)  # noqa: E731
        if self.mode is M.STOPPED:
            self.engage.call_async(interfaces.ENGAGE.service.Request())
        if not self.until(WAIT_S, driving):
            return False
        if phase == "driving":
            return True
        if phase == "minimum-risk stop":
            if not self.until(WAIT_S, lambda: driving() and self.speed > FAST_MPS):
                return False
            (simulator,) = self.pids("simulator")
            os.kill(simulator, signal.SIGSTOP)  # no scene any more
            try:
                return self.until(5.0, lambda: self.mode is M.MRM)
            finally:
                os.kill(simulator, signal.SIGCONT)
        self.axes = [STEER, *RELEASED[1:]]
        if not self.until(5.0, lambda: self.mode is M.HUMAN):
            return False
        if phase == "takeover":
            return True
        self.axes = list(RELEASED)
        return self.until(5.0, lambda: self.mode in (M.HANDBACK, M.EXPERT))

    def kill(self, name: str, phase: str) -> dict[str, Any] | None:
        """Kill one node now; what followed."""
        before, ours = self.mode, self.pids(name)
        if len(ours) != 1:
            return None
        killed = time.monotonic()
        os.kill(ours[0], signal.SIGKILL)
        self.heard.pop(name, None)
        self.until(0.2, lambda: False)  # what was on its way
        self.heard.pop(name, None)
        back = self.until(WAIT_S, lambda: name in self.heard)
        recovered = self.heard[name] - killed if back else None
        self.until(AFTER_S, lambda: False)
        times = [killed, *(at for at in self.commands if at > killed)]
        modes = [mode.name for at, mode in self.modes if at > killed and mode is not before]
        return {
            "node": name,
            "phase": phase,
            "mode": before.name,
            "then": modes[0] if modes else before.name,
            "longest_gap_s": round(max(b - a for a, b in pairwise(times)), 3),
            "heard_again_s": None if recovered is None else round(recovered, 1),
        }

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=new_file, required=True)
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=PHASES)
    parser.add_argument("--seconds", type=float, default=600.0, help="begin no further row after so long")
    arguments = parser.parse_args()
    began, rows = time.monotonic(), []
    drive = Drive(Path(tempfile.mkdtemp()))
    try:
        for phase in arguments.phases:
            for name in HEARD:
                if time.monotonic() - began < arguments.seconds and drive.reach(phase):
                    row = drive.kill(name, phase)
                    rows += [row] if row else []
                    print(row, flush=True)
    finally:
        drive.close()
    give_json({"load": os.getloadavg(), "rows": rows}, arguments.json)


if __name__ == "__main__":
    end_with(main)
