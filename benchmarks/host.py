"""What messages and the lockstep host cost: ``python benchmarks/host.py [--json FILE]``.

The scene is a busy one: 20 objects, 25 polylines of 20 points, a route of 111 points, two traffic controls. Each
figure is the best of several repeats (the least disturbed one), in microseconds of CPU time for one call.
"""

from __future__ import annotations

import argparse
import platform
import timeit
from collections.abc import Callable
from time import thread_time
from typing import Any

import numpy as np

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.domain.driving import DriveCommand, DriverOutput, Plan, Source
from takead_ros.domain.scene import (
    ControlKind,
    EgoState,
    LightState,
    LineKind,
    Objects,
    Polyline,
    Route,
    RouteCommand,
    Scene,
    TrafficControl,
)
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import codec, convert, interfaces, store, types

BUDGETS_US = {"publish and deliver a command": 15.0, "scene to message": 250.0, "scene from message": 250.0}
REPEATS, CALLS = 7, 300


def busy_scene() -> Scene:
    """20 objects, 25 polylines of 20 points; the same numbers every time."""
    random = np.random.default_rng(0)
    number = np.arange(1, 21)
    objects = Objects(number, np.ones(20, dtype=np.int64), *(random.normal(size=20) * 20.0 for _ in range(8)))
    lines = tuple(Polyline(i, LineKind.LANE_CENTER, random.normal(size=(20, 2)), i < 5, 13.9, 3.5) for i in range(25))
    commands = (RouteCommand.LEFT, RouteCommand.STRAIGHT, RouteCommand.LANE_FOLLOW)
    route = Route(random.normal(size=(111, 2)), random.normal(size=(3, 2)), commands, 0.1, 0.02, 80.0, 0.4, 13.9)
    control = TrafficControl(1, ControlKind.TRAFFIC_LIGHT, LightState.RED, 1.0, 2.0, 0.5, 20.0)
    return Scene(123_456_789_012, EgoState(1.0, 2.0, 0.3, 8.0), objects, lines, route, (control, control))


def driver_output() -> DriverOutput:
    """64 candidates of 8 steps."""
    random = np.random.default_rng(1)
    ahead, still = np.arange(8.0), np.zeros(8)
    plan = Plan(ahead, still, still, ahead)
    candidates, logits = random.normal(size=(64, 8, 2)), random.normal(size=64)
    bins, probabilities = np.arange(8.0), np.full(8, 0.125)
    return DriverOutput(5, "policy", plan, candidates, logits, bins, probabilities, 0.1, 0.2, 0.3, 0.4)


def delivery(subscribers: int, raw: bool = False) -> Callable[[], None]:
    """One publish of a command to ``subscribers``, and its delivery."""
    host = LockstepHost()
    publisher = wiring.publisher(host.create_node("talker"), interfaces.COMMAND)
    listener = host.create_node("listener")
    for _ in range(subscribers):
        wiring.subscription(listener, interfaces.COMMAND, lambda msg: None, raw=raw)
    msg = types.DriveCommand(reason="policy")

    def once() -> None:
        publisher.publish(msg)
        host.bus.drain()

    return once


def tick() -> Callable[[], None]:
    """One step of a host with six nodes, a timer each, all due at every step."""
    host = LockstepHost()
    for i in range(6):
        host.create_node(f"node_{i}").create_timer(0.05, lambda: None)
    return lambda: host.advance(50_000_000)


def cases() -> dict[str, Callable[[], Any]]:
    scene, output = busy_scene(), driver_output()
    command = DriveCommand(5, 0.1, 0.2, Source.POLICY, Source.EXPERT, 0.05, 0.1)
    scene_msg, output_msg, command_msg = (
        convert.scene_to_msg(scene),
        convert.driver_to_msg(output),
        convert.command_to_msg(command),
    )
    scene_bytes, output_bytes = codec.serialize(scene_msg), codec.serialize(output_msg)
    offline = store.typestore().deserialize_cdr(scene_bytes, "takead_ros/msg/Scene")
    converter = convert.SceneConverter()
    return {
        "publish and deliver a command": delivery(1),
        "publish to four subscriptions": delivery(4),
        "publish to a raw subscription (CDR)": delivery(1, raw=True),
        "host step with six timers": tick(),
        "scene to message": lambda: convert.scene_to_msg(scene),
        "scene to message, map known": lambda: converter.to_msg(scene),
        "scene from message": lambda: convert.scene_from_msg(scene_msg),
        "scene from message, map known": lambda: converter.from_msg(scene_msg),
        "scene message to CDR": lambda: codec.serialize(scene_msg),
        "scene message to CDR, by rosbags": lambda: store.typestore().serialize_cdr(offline, "takead_ros/msg/Scene"),
        "scene message from CDR": lambda: codec.deserialize(scene_bytes, "takead_ros/msg/Scene"),
        "policy output to message": lambda: convert.driver_to_msg(output),
        "policy output from message": lambda: convert.driver_from_msg(output_msg),
        "policy output to CDR": lambda: codec.serialize(output_msg),
        "policy output from CDR": lambda: codec.deserialize(output_bytes, "takead_ros/msg/PolicyOutput"),
        "command to message": lambda: convert.command_to_msg(command),
        "command from message": lambda: convert.command_from_msg(command_msg),
    }


def measure(call: Callable[[], Any]) -> float:
    """Microseconds of CPU time for one call."""
    call()
    return min(timeit.repeat(call, timer=thread_time, number=CALLS, repeat=REPEATS)) / CALLS * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=new_file, help="also write the figures here")
    out = parser.parse_args().json
    rows: dict[str, float] = {}
    print(f"{'':38s}{'us':>9s}{'budget':>9s}   Python {platform.python_version()}, messages: {types.RESOLUTION}")
    for name, call in cases().items():
        rows[name] = measure(call)
        print(f"{name:38s}{rows[name]:9.1f}{BUDGETS_US.get(name, ''):>9}")
    if out is not None:
        figures = {"unit": "us", "python": platform.python_version(), "messages": types.RESOLUTION, "calls": rows}
        give_json(figures, out)


if __name__ == "__main__":
    end_with(main)
