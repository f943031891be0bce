"""The machine and the versions that figures come from: another CPU or library gives other weights and other figures."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

PACKAGES = ("numpy", "numba", "onnxruntime", "metadrive-simulator", "panda3d", "torch", "onnx")


@dataclass(frozen=True, kw_only=True, config=ConfigDict(strict=True, extra="forbid"))
class Machine:
    """cpu: its name; cores: those that this process may use; packages: versions of what decides the figures."""

    cpu: str
    cores: int
    python: str
    packages: dict[str, str]

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return f"{self.cpu}, {self.cores} cores, Python {self.python}, {versions}"


@cache
def this_environment() -> Machine:
    """Of this process."""
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        packages={name: found for name in PACKAGES if (found := _version(name))},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
