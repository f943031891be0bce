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


class Wanted(BaseModel):
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


def preflight(wanted: Wanted) -> list[Path]:
    """The parameter files for the nodes, those that count later behind. Raises TakeadError that names the first part
    that is missing or does not fit, and how to get it."""
    files = []
    if wanted.vehicle:
        open_vehicle(wanted.vehicle)
    if wanted.model:
        files += _model(wanted)
    if wanted.params:
        load_configuration(Path(wanted.params), wanted.namespace)
        files.append(Path(wanted.params))
    if wanted.pad:
        _pad(Path(wanted.devices))
    if wanted.joystick_map:
        load_mapping(wanted.joystick_map)
    if wanted.simulator:
        if wanted.simulator in NEEDS and importlib.util.find_spec(wanted.simulator) is None:
            raise TakeadError(f"simulator '{wanted.simulator}' is not installed: {NEEDS[wanted.simulator]}")
        next(sequence(wanted.family or wanted.suite, wanted.seed))  # its map is there
    if wanted.bags:
        writable_folder(Path(wanted.bags))
    return files


def _model(wanted: Wanted) -> list[Path]:
    """The parameters that come with the model, once it is known to load."""
    path = model_path(wanted.model)
    if wanted.bundled and not is_bundle(path):
        raise TakeadError(f"{path}: a vehicle takes a bundle (takead model bundle), not a bare model (docs/bundles.md)")
    policy = load_model(path, wanted.provider, public_key(Path(wanted.key)) if wanted.key else None)
    if policy.parameters is None:
        return []
    parse_configuration(policy.parameters, f"{path}/{PARAMETERS}", wanted.namespace)
    unpacked = writable_folder(Path(wanted.unpack)) / PARAMETERS
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
        for path in preflight(parse_record(Wanted, arguments[0], "preflight", "what to launch")):
            sys.stdout.write(f"{path}\n")
    except TakeadError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0
