"""The stack's nodes as single processes, so that something can be put between two of them, or in another network."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ament_index_python.packages import get_package_prefix, get_package_share_directory

PROGRAMS = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros"
MODEL = Path(get_package_share_directory("takead_ros")) / "models" / "takead.onnx"
SUITE = "long"  # its routes are far from their end when a test is over
NODES = ("policy", "expert", "monitor", "arbiter")


class SingleNodes:
    """Processes of our nodes, each with its output in ``folder``; ``environment`` goes to all of them."""

    def __init__(self, folder: Path, domain: int, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environment = {**os.environ, **(environment or {}), "ROS_DOMAIN_ID": str(domain)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        name: str,
        remapped: Sequence[str] = (),
        before: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        **parameters: object,
    ) -> None:
        """Start one node. remapped: "from:=to"; before: words in front of the command."""
        arguments = [word for key, value in parameters.items() for word in ("-p", f"{key}:={value}")]
        arguments += [word for one in remapped for word in ("-r", one)]
        self._processes[name] = subprocess.Popen(
            [*before, str(PROGRAMS / f"{name}_node"), "--ros-args", *arguments],
            stdout=(self._folder / f"{name}.log").open("wb"),
            stderr=subprocess.STDOUT,
            env={**self._environment, **(environment or {})},
        )

    def start_stack(self) -> None:
        """All but the simulator, which ``start_simulator`` starts."""
        for name in NODES:
            self.start(name, use_sim_time=True, **({"model": MODEL} if name == "policy" else {}))

    def start_simulator(
        self, remapped: Sequence[str] = (), before: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self.start(
            "simulator",
            remapped,
            before,
            environment,
            simulator="vector",
            suite=SUITE,
            seed=1_000_000,
            publish_clock=True,
            real_time=True,
            auto_engage=True,
        )

    def signal(self, name: str, number: signal.Signals) -> None:
        self._processes[name].send_signal(number)

    def close(self) -> None:
        """End all; what each said last is printed, which pytest shows where a test failed."""
        for process in self._processes.values():
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGINT)
        for name, process in self._processes.items():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            print(f"--- {name}\n{(self._folder / f'{name}.log').read_text(errors='replace')[-1500:]}")
