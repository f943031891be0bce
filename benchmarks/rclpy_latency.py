"""How long a takeover by joystick takes under ROS 2: ``python3 benchmarks/rclpy_latency.py [--trials N]``.

Starts the real arbiter_node and joystick_node, publishes ``/joy`` at 100 Hz, and at random moments presses the brake.
A trial is the time from that message to the first command whose longitudinal source is the human. The bar is p99 of at
most one control period plus 5 ms. Needs a sourced ROS 2 in which takead_ros is built.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

PERIOD_MS, ALLOWANCE_MS = 50.0, 5.0
QUANTILES = (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))
HOLD_S = 0.1  # the human's hold, as short as the arbiter allows, so that trials follow each other quickly
RELEASED, BRAKE = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0], [0.0, 0.0, -1.0, 0.0, 0.0, 1.0]


def measure(trials: int, seed: int) -> list[float]:
    """Latencies in ms."""
    import rclpy
    from ament_index_python.packages import get_package_prefix
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.node import Node

    from takead_ros.host import wiring
    from takead_ros.messages import interfaces, types

    human = types.DriveCommand.HUMAN
    programs = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros"
    given = {"arbiter_node": ["-p", f"human_hold_s:={HOLD_S}"], "joystick_node": []}
    processes = [subprocess.Popen([str(programs / name), "--ros-args", *more]) for name, more in given.items()]
    rclpy.init()
    node = Node("latency", namespace="takead")
    joy = wiring.publisher(node, interfaces.JOY)
    heard: list[tuple[float, Any]] = []
    wiring.subscription(node, interfaces.COMMAND, lambda msg: heard.append((time.perf_counter(), msg)))
    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def spin(seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0.0:
            executor.spin_once(timeout_sec=left)

    def press(axes: list[float]) -> float:
        joy.publish(types.Joy(axes=axes, buttons=[0] * 11))
        return time.perf_counter()

    def driving() -> bool:
        return bool(heard) and heard[-1][1].longitudinal_source == human

    def keep(axes: list[float], seconds: float, until: bool | None = None) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and driving() is not until:
            press(axes)
            spin(0.01)

    try:
        started = time.perf_counter()
        while not heard and time.perf_counter() - started < 20.0:
            keep(RELEASED, 0.1)
        if not heard:
            raise SystemExit("no command from arbiter_node within 20 s")
        keep(RELEASED, 2.0)
        moments, latencies = random.Random(seed), []
        for _ in range(trials):
            keep(RELEASED, 5.0, until=False)
            keep(RELEASED, 0.05 + moments.uniform(0.0, PERIOD_MS / 1000.0))
            heard.clear()
            pressed = press(BRAKE)
            again = pressed + 0.01
            while not driving():
                executor.spin_once(timeout_sec=max(again - time.perf_counter(), 0.0))
                if time.perf_counter() >= again:
                    again = press(BRAKE) + 0.01
                if again - pressed > 2.0:
                    raise SystemExit("the human did not get the brake within 2 s")
            latencies.append((heard[-1][0] - pressed) * 1e3)
        return latencies
    finally:
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            process.wait(20)
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which the brake is pressed")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    latencies = np.array(measure(options.trials, options.seed))
    bar = PERIOD_MS + ALLOWANCE_MS
    figures = {name: float(np.percentile(latencies, q)) for name, q in QUANTILES}
    result = {
        "trials": len(latencies),
        **figures,
        "bar_p99": bar,
        "load_average": load,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    print(
        f"joystick message -> command over rclpy, {len(latencies)} takeovers (ms); load {load:.1f} on {os.cpu_count()}"
    )
    for name, value in figures.items():
        print(f"  {name:4} {value:7.1f}")
    print(f"  p99 {'within' if figures['p99'] <= bar else 'ABOVE'} the bar of {bar:.0f} ms")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n")
    return 0 if figures["p99"] <= bar else 1


if __name__ == "__main__":
    sys.exit(main())
