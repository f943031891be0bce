"""``takead doctor``: what is installed, what really works, what is missing and how to get it."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from takead_ros import __version__
from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import cell, say, show_table, table

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)

# y = x @ x for a 2 x 2 float32 x (ONNX opset 13, IR 8), written once with onnx.helper
TINY_MODEL = bytes.fromhex(
    "080812003a400a110a01780a017812017922064d61744d756c1201675a130a0178120e0a0c080112080a0208020a020802"
    "62130a0179120e0a0c080112080a0208020a02080242040a00100d"
)


@dataclass(frozen=True)
class Check:
    """One thing looked at. ``needed``: the embedded run cannot do without it."""

    name: str
    ok: bool
    needed: bool
    found: str
    get: str = ""


def _module(name: str, needed: bool, get: str, describe: Callable[[Any], str] | None = None) -> Check:
    """Import ``name`` for real; a failure of any kind is the finding."""
    try:
        module = importlib.import_module(name)
        found = describe(module) if describe else str(getattr(module, "__version__", "installed"))
    except Exception as problem:  # noqa: BLE001 - whatever stops the import is what the user must read
        return Check(name, False, needed, f"{type(problem).__name__}: {problem}", get)
    return Check(name, True, needed, found)


def _torch(module: Any) -> str:
    gpu = module.cuda.get_device_name(0) if module.cuda.is_available() else "no GPU"
    return f"{module.__version__}, {gpu}"


def _metadrive(module: Any) -> str:
    from importlib.metadata import version

    importlib.import_module("metadrive.engine.base_engine")
    return f"{version('metadrive-simulator')}, its engine imports"


def _providers() -> list[Check]:
    """Each execution provider that ONNX Runtime lists, tried: what is listed need not run."""
    import numpy as np

    try:
        import onnxruntime
    except ImportError:
        return []
    onnxruntime.set_default_logger_severity(4)
    checks = []
    x = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    for provider in onnxruntime.get_available_providers():
        if provider == "AzureExecutionProvider":  # calls a service elsewhere; a graph given to it runs on the CPU
            continue
        needed = provider == "CPUExecutionProvider"
        try:
            session = onnxruntime.InferenceSession(TINY_MODEL, providers=[provider])
            runs_on = session.get_providers()[0]
            right = bool(np.allclose(session.run(None, {"x": x})[0], x @ x))
            ok = right and runs_on == provider
            found = "runs" if ok else f"listed, but runs on {runs_on}" if right else "runs, but computes wrongly"
        except Exception as problem:  # noqa: BLE001 - a provider may fail in any way; the text is the finding
            ok, found = False, f"{type(problem).__name__}: {str(problem).splitlines()[0][:120]}"
        get = "" if ok else "a driver and CUDA that fit this onnxruntime-gpu; or pip install onnxruntime instead"
        checks.append(Check(f"onnxruntime {provider}", ok, needed, found, get))
    return checks


def _baseline() -> Check:
    from takead_ros.domain.errors import TakeadError
    from takead_ros.resources import resource

    try:
        from takead_ros.policy.model import load_model

        path = resource("models/baseline.onnx")
        policy = load_model(path)
        return Check("baseline model", True, True, f"{path}, sha256 {policy.sha256[:12]}")
    except (TakeadError, OSError, ImportError) as problem:
        return Check("baseline model", False, True, str(problem), "reinstall takead_ros, or make baseline")


def _kernels() -> Check:
    from takead_ros.compiled import stored

    try:
        found, count = stored()
    except ImportError as problem:
        return Check("compiled kernels", False, False, str(problem), "reinstall takead_ros")
    get = "python -m takead_ros.compiled; otherwise the first start of a node takes half a minute"
    return Check("compiled kernels", found == count, False, f"{found} of {count}", get)


def _security() -> Check:
    """Whether this shell's nodes speak by DDS Security, and what is open where they do not."""
    store, on = os.environ.get("ROS_SECURITY_KEYSTORE", ""), os.environ.get("ROS_SECURITY_ENABLE", "") == "true"
    strict = os.environ.get("ROS_SECURITY_STRATEGY", "") == "Enforce"
    if store and on and strict:
        return Check("ROS 2 security", True, False, f"enforced, keystore {store}")
    open_to = "is on, but a node without keys still runs open" if store and on else "is off"
    found = f"{open_to}: who reaches this network can publish command and human/command, call engage, load a model"
    get = "ros2 run takead_ros keystore FOLDER, then keystore:=FOLDER at the launch (docs/security.md)"
    return Check("ROS 2 security", False, False, found, get)


def _ros() -> list[Check]:
    distro = os.environ.get("ROS_DISTRO", "")
    lying_there = sorted(str(p.parent) for p in Path("/opt/ros").glob("*/setup.bash"))
    if distro:
        first = Check("ROS 2", True, False, f"{distro}, sourced")
    elif lying_there:
        first = Check(
            "ROS 2",
            False,
            False,
            f"installed, not sourced: {', '.join(lying_there)}",
            f"source {lying_there[-1]}/setup.bash",
        )
    else:
        first = Check("ROS 2", False, False, "none", "https://docs.ros.org/en/jazzy/Installation.html")
    return [
        first,
        *([_security()] if distro else []),
        _module("rclpy", False, "source /opt/ros/<distro>/setup.bash"),
        _module("takead_ros.msg", False, "colcon build, then source install/setup.bash"),
    ]


def examine() -> list[Check]:
    """Every check, in the order in which they are shown."""
    version = platform.python_version()
    fits = (3, 10) <= sys.version_info[:2] <= (3, 12)
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    simulator = "pip install 'takead_ros[sim]' (Python 3.12: see the comment in pyproject.toml)"
    training = (
        "pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu "
        "&& pip install 'takead_ros[training]'"
    )
    return [
        Check("takead_ros", True, True, f"{__version__} in {sys.prefix}"),
        Check("Python", fits, True, version, "Python 3.10, 3.11 or 3.12"),
        Check("CPU", True, False, f"{cores} cores, {memory:.1f} GiB memory"),
        Check("disk here", free > 2.0, False, f"{free:.1f} GiB free", "2 GiB free for bags"),
        _module("rosbags.rosbag2", True, "pip install rosbags", lambda _: "reads and writes bags"),
        _module("mcap", True, "pip install mcap"),
        _module("onnxruntime", True, "pip install onnxruntime"),
        *_providers(),
        _baseline(),
        _kernels(),
        _module("metadrive", False, simulator, _metadrive),
        _module("torch", False, training, _torch),
        _module("onnx", False, training),
        _module("lightning_fabric", False, training),
        _module("ray", False, "pip install 'takead_ros[ray]'"),
        _module("foxglove", False, "pip install 'takead_ros[foxglove]'"),
        *_ros(),
    ]


@app.command(epilog="Example: [bold]takead doctor --json -[/bold]")
def doctor(as_json: str | None = JSON) -> None:
    """Look at this machine: what is installed, which ONNX Runtime providers really run, what is missing.

    Exit code 1 where something is missing that every run needs; optional parts only show how to get them.
    """
    json_file(as_json)
    checks = examine()
    if as_json != STDOUT:
        show_table(table("", "part", "found", rows=map(_row, checks), title="takead doctor"))
        for check in checks:
            if check.get and not check.ok:
                say(f"{check.name}: {check.get}")
    give_json({"version": __version__, "checks": [asdict(check) for check in checks]}, as_json)
    if any(check.needed and not check.ok for check in checks):
        raise typer.Exit(1)


def _row(check: Check) -> tuple[Text, Text, Text]:
    word, colour = ("ok", "green") if check.ok else ("missing", "red") if check.needed else ("none", "yellow")
    return cell(word, colour), cell(check.name), cell(check.found)
