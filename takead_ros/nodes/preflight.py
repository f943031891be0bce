"""What a launch needs, looked at before any of its processes starts: the first part that is missing or does not fit.

The launch files run ``main`` as a program (``preflight``), for their own Python has not the packages of our nodes.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from takead_ros.domain.errors import TakeadError
from takead_ros.files import parse_record, writable_folder, write_atomically
from takead_ros.nodes.configuration import load_configuration, parse_configuration
from takead_ros.nodes.episodes import sequence
from takead_ros.nodes.joystick_mapping import load_mapping
from takead_ros.policy.bundle import PARAMETERS
from takead_ros.policy.model import is_bundle, load_model
from takead_ros.policy.shipped import model_path
from takead_ros.policy.signing import public_key
from takead_ros.vehicles import open_vehicle

NEEDS = {"metadrive": "pip install 'takead_ros[sim]' into the nodes' environment; sim:=vector needs none"}


class Launch(BaseModel):
    """What a launch is about to start; empty where it starts no such thing.

    bundled: the model must be a bundle. unpack: a folder for the parameters of a bundle. devices: where pads appear.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    namespace: str = "/takead"
    params: str = ""
    model: str = ""
    provider: str = "cpu"
    key: str = ""
    bundled: bool = False
    unpack: str = ""
    bags: str = ""
    pad: bool = False
    devices: str = "/dev/input"
    joystick_map: str = ""
    vehicle: str = ""
    simulator: str = ""
    suite: str = ""
    family: str = ""
    seed: int = 0


def preflight(launch: Launch) -> list[Path]:
    """The parameter files for the nodes, those that count later behind. Raises TakeadError that names the first part
    that is missing or does not fit, and how to get it."""
    files = []
    if launch.vehicle:
        open_vehicle(launch.vehicle)
    if launch.model:
        files += _model(launch)
    if launch.params:
        load_configuration(Path(launch.params), launch.namespace)
        files.append(Path(launch.params))
    if launch.pad:
        _pad(Path(launch.devices))
    if launch.joystick_map:
        load_mapping(launch.joystick_map)
    if launch.simulator:
        if launch.simulator in NEEDS and importlib.util.find_spec(launch.simulator) is None:
            raise TakeadError(f"simulator '{launch.simulator}' is not installed: {NEEDS[launch.simulator]}")
        next(sequence(launch.family or launch.suite, launch.seed))  # its map is there
    if launch.bags:
        writable_folder(Path(launch.bags))
    return files


def _model(launch: Launch) -> list[Path]:
    """The parameters that come with the model, once it is known to load."""
    path = model_path(launch.model)
    if launch.bundled and not is_bundle(path):
        raise TakeadError(f"{path}: a vehicle takes a bundle (takead model bundle), not a bare model (docs/bundles.md)")
    policy = load_model(path, launch.provider, public_key(Path(launch.key)) if launch.key else None)
    if policy.parameters is None:
        return []
    parse_configuration(policy.parameters, f"{path}/{PARAMETERS}", launch.namespace)
    unpacked = writable_folder(Path(launch.unpack)) / PARAMETERS
    write_atomically(unpacked, policy.parameters)
    return [unpacked]


def _pad(devices: Path) -> None:
    if not [*devices.glob("js*"), *devices.glob("by-id/*-joystick")]:
        raise TakeadError(
            f"joystick:=true, but no pad or wheel is plugged in (nothing in {devices}/js*); "
            "expected one, or joystick:=topic where /joy comes from elsewhere"
        )


def main(arguments: list[str]) -> int:
    """``preflight JSON``: print the parameter files, one a line; 2 with one line where something does not fit."""
    try:
        for path in preflight(parse_record(Launch, arguments[0], "preflight", "what to launch")):
            sys.stdout.write(f"{path}\n")
    except TakeadError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0
