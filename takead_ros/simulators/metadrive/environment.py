"""The one running MetaDrive environment of a process, without MetaDrive's assets and its talk.

MetaDrive's world axes are REP-103's (x forward, y left, yaw positive to the left); only its lanes count their lateral
coordinate to the right. The map frame is MetaDrive's world frame.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.episode import EgoShape

# MetaDrive's DefaultVehicle; the wheelbase is that of its axles from the centre
EGO = EgoShape(length=4.515, width=1.852, wheelbase=1.05234 + 1.4166, max_steering_angle=math.radians(40.0))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """MetaDrive reports every start on its own logger's and Panda3D's streams; a run has its own progress to show."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def metadrive_version() -> str:
    """Raises TakeadError where MetaDrive is not installed."""
    try:
        return version("metadrive-simulator")
    except PackageNotFoundError as problem:
        raise TakeadError(
            "the simulator (package 'metadrive-simulator', 0.4.3) is not installed; "
            "expected: pip install 'takead_ros[sim]' (takead doctor says what else is missing)"
        ) from problem


def import_metadrive() -> Any:
    """MetaDrive's engine module, without its pictures. Raises TakeadError where it cannot be imported."""
    try:
        import metadrive.engine.logger as metadrive_logging

        metadrive_logging.get_logger().setLevel(logging.CRITICAL)
        import metadrive.engine.base_engine as base_engine
    except ImportError as error:
        raise TakeadError(
            f"the simulator cannot be imported: package 'metadrive-simulator' (0.4.3), {error}; "
            "expected it to be installed: pip install 'takead_ros[sim]'"
        ) from error
    # Assets are pictures and meshes for rendering; physics needs none, and the download would need the network.
    base_engine.BaseEngine.try_pull_asset = lambda self: None
    return base_engine


class OnlyEnvironment:
    """Holds the environment that ``make`` builds; MetaDrive allows one per process. ``close`` frees it for another.

    Raises TakeadError where MetaDrive is not installed or another one is alive in this process.
    """

    _alive = False

    def __init__(self, make: Callable[[], Any]) -> None:
        if OnlyEnvironment._alive:
            raise TakeadError("simulator: an engine already runs in this process, expected one per process; close it")
        import_metadrive()
        with quiet():
            self.environment = make()
        OnlyEnvironment._alive = True

    def close(self) -> None:
        with quiet():
            self.environment.close()
        OnlyEnvironment._alive = False


def vehicle_state(vehicle: Any) -> tuple[float, float, float, float, float, float]:
    """x m, y m, yaw rad, speed m/s along and lateral speed m/s across the vehicle (positive left), yaw rate rad/s."""
    x, y = vehicle.origin.getX(), vehicle.origin.getY()
    yaw = float(vehicle.heading_theta)
    velocity = vehicle.body.get_linear_velocity()
    cos, sin = math.cos(yaw), math.sin(yaw)
    along = cos * velocity[0] + sin * velocity[1]
    across = -sin * velocity[0] + cos * velocity[1]
    return x, y, yaw, along, across, float(vehicle.body.get_angular_velocity()[2])
