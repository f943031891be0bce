"""What a tick of the arbiter and of the monitor costs, and how long a takeover takes.

    python benchmarks/arbiter.py [--ticks N] [--json FILE]

Core ticks with everything healthy, with a person on the pedals, in HANDBACK and in the minimum-risk manoeuvre with
eight objects around. CPU time of one thread in ms: median, 99th percentile, least. Targets: 0.2 ms at the 99th
percentile for the arbiter's core, 0.4 ms for the triggers. The latency from a Joy message to the command is simulated
time of the lockstep host: one tick, 50 ms, is the target.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import platform
from collections.abc import Callable
from time import thread_time
from typing import Any

import numpy as np

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.domain.driving import DriveCommand, DriverOutput, Plan, Source, Trigger
from takead_ros.domain.driving import TakeoverRequest as Request
from takead_ros.domain.scene import EgoState, LineKind, Objects, Polyline, Route, RouteCommand, Scene
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces, types
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.takeover.arbiter import step
from takead_ros.takeover.inputs import Inputs, Now, Received
from takead_ros.takeover.memory import ArbiterMemory
from takead_ros.takeover.parameters import ArbiterParameters, MonitorParameters
from takead_ros.takeover.triggers import MonitorState, evaluate_triggers

TICK = 50_000_000
LANES = tuple(
    Polyline(i, LineKind.LANE_CENTER, np.stack([np.arange(-50.0, 400.0, 2.0), np.full(225, 3.5 * i)], 1), i == 0, 14.0)
    for i in range(4)
)


def scene(stamp: int) -> Scene:
    """A road with eight cars ahead, four of them in motion, seen at 10 m/s."""
    x = 10.0 * stamp / 1e9
    n = np.arange(8)
    moving = np.where(n % 2 == 0, 8.0, 0.0)
    objects = Objects(
        n + 1,
        np.ones(8, dtype=np.int64),
        30.0 + 9.0 * n + moving * stamp / 1e9,
        3.5 * (1 + n % 3).astype(float),
        np.zeros(8),
        moving,
        np.zeros(8),
        np.full(8, 4.5),
        np.full(8, 1.9),
        np.ones(8),
    )
    path = np.stack([x - 10.0 + np.arange(110.0), np.zeros(110)], 1)
    commands = (RouteCommand.LANE_FOLLOW,) * 3
    route = Route(path, path[[20, 40, 60]], commands, 0.0, 0.0, 200.0, 0.1, 14.0)
    return Scene(stamp, EgoState(x, 0.0, 0.0, 10.0), objects, LANES, route)


def output(stamp: int, source: str, steering: float = 0.0) -> DriverOutput:
    t = 0.5 * np.arange(1.0, 9.0)
    none = np.zeros(0)
    plan = Plan(10.0 * t, np.zeros(8), np.zeros(8), np.full(8, 10.0))
    return DriverOutput(stamp, source, plan, np.zeros((0, 8, 2)), none, none, none, 0.0, 0.0, steering, 0.0)


def costs(seconds: list[float]) -> dict[str, float]:
    ms = 1e3 * np.array(seconds)
    return {"p50_ms": float(np.median(ms)), "p99_ms": float(np.quantile(ms, 0.99)), "min_ms": float(ms.min())}


def core(ticks: int, case: str) -> dict[str, float]:
    """Costs of ``step``: scenes at 20 Hz, drivers at 10 Hz."""
    p = ArbiterParameters(auto_engage=True)
    state, inputs, spent = ArbiterMemory(), Inputs(), []
    for i in range(ticks):
        stamp = i * TICK
        now = Now(stamp, stamp)
        fresh: dict[str, object] = {"scene": Received(scene(stamp), stamp, stamp)}
        if i % 2 == 0 and (case != "manoeuvre" or i < 20):
            weave = 0.05 if case == "handback" and i % 4 else 0.0
            fresh["policy"] = Received(output(stamp, "policy", weave), stamp, stamp)
            fresh["expert"] = Received(output(stamp, "expert"), stamp, stamp)
        if case == "human" or (case == "handback" and i % 40 < 10):
            fresh["human"] = Received(DriveCommand(stamp, 0.02, -1.0, Source.HUMAN, Source.HUMAN), stamp, stamp)
        if case == "expert" or i % 2 == 0:
            trigger = Trigger.STUCK if case == "expert" else Trigger.NONE
            fresh["request"] = Received(Request(stamp, trigger), stamp, stamp)
        inputs = Inputs(
            **{**{k: getattr(inputs, k) for k in ("scene", "policy", "expert", "human", "request")}, **fresh}
        )
        start = thread_time()
        state, _, _ = step(state, inputs, now, p)
        spent.append(thread_time() - start)
    return costs(spent[ticks // 10 :])


def triggers(ticks: int) -> dict[str, float]:
    """Costs of ``evaluate`` with eight cars in reach."""
    memory, p, spent = MonitorState(), MonitorParameters(), []
    policy = expert = output(0, "policy")
    for i in range(ticks):
        stamp = i * TICK
        if i % 2 == 0:
            policy, expert = output(stamp, "policy"), output(stamp, "expert")
        now = scene(stamp)
        start = thread_time()
        _, memory = evaluate_triggers(now, policy, expert, memory, p)
        spent.append(thread_time() - start)
    return costs(spent[ticks // 10 :])


def takeover_ms(trials: int = 50) -> float:
    """The most ms of simulated time from a Joy message to a command of the person's, at every phase of the tick."""
    worst = 0.0
    for trial in range(trials):
        host = LockstepHost()
        world = host.create_node("world")
        publish: dict[str, Callable[[object], None]] = {
            "scene": wiring.publisher(world, interfaces.SCENE).publish,
            "policy": wiring.publisher(world, interfaces.POLICY_OUTPUT).publish,
            "request": wiring.publisher(world, interfaces.REQUEST).publish,
            "joy": wiring.publisher(world, interfaces.JOY).publish,
        }
        commands: list[tuple[int, int]] = []  # steady time (ns) and source

        def on_command(msg: Any, kept: list[tuple[int, int]] = commands, host: LockstepHost = host) -> None:
            kept.append((host.steady.nanoseconds, msg.lateral_source))

        wiring.subscription(world, interfaces.COMMAND, on_command)
        JoystickNode(host.create_node("joystick_node"), host.steady)
        overrides = {"auto_engage": True}
        ArbiterNode(host.create_node("arbiter_node", parameter_overrides=overrides), host.steady)
        for _ in range(10):
            now = host.clock.nanoseconds
            publish["scene"](convert.scene_to_msg(scene(now)))
            publish["policy"](convert.driver_to_msg(output(now, "policy")))
            publish["request"](convert.request_to_msg(Request(now, Trigger.NONE)))
            publish["joy"](types.Joy(axes=[0.0, 0.0, 1.0, 0.0, 0.0, 1.0], buttons=[0] * 11))
            host.advance(TICK)
        host.advance(trial * TICK // trials)
        publish["joy"](types.Joy(axes=[1.0, 0.0, 1.0, 0.0, 0.0, 1.0], buttons=[0] * 11))
        pressed, before = host.steady.nanoseconds, len(commands)
        while not (taken := [at for at, source in commands[before:] if source == Source.HUMAN]):
            host.advance(TICK)
        worst = max(worst, (taken[0] - pressed) / 1e6)
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=2000)
    parser.add_argument("--json", type=new_file)
    arguments = parser.parse_args()
    result: dict[str, object] = {"machine": platform.machine(), "python": platform.python_version()}
    for case in ("policy", "human", "expert", "handback", "manoeuvre"):
        result[f"arbiter_{case}"] = core(arguments.ticks, case)
    result["triggers"] = triggers(arguments.ticks)
    result["joystick_to_command_ms"] = takeover_ms()
    for name, value in result.items():
        shown = " ".join(f"{k} {v:.3f}" for k, v in value.items()) if isinstance(value, dict) else value
        print(f"{name:28s} {shown}")
    give_json(result, arguments.json)


if __name__ == "__main__":
    end_with(main)
