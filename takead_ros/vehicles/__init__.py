"""The vehicle sides there are, by name. None of them is imported before it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.vehicles.api import Input, VehicleParameters, VehicleSide


@dataclass(frozen=True)
class Vehicle:
    """A row of the registry: the model of its parameters, and how it is made from a way to read their present value."""

    parameters: type[VehicleParameters]
    make: Callable[[Callable[[], Any]], VehicleSide]


def _carla() -> Vehicle:
    from takead_ros.vehicles.carla.side import CarlaParameters, CarlaSide

    return Vehicle(CarlaParameters, CarlaSide)


def _ackermann() -> Vehicle:
    from takead_ros.vehicles.ackermann import AckermannParameters, AckermannSide

    return Vehicle(AckermannParameters, AckermannSide)


VEHICLES: dict[str, Callable[[], Vehicle]] = {"carla": _carla, "ackermann": _ackermann}


def open_vehicle(name: str) -> Vehicle:
    """The row ``name``. Raises TakeadError for a name that there is none of."""
    if name not in VEHICLES:
        raise TakeadError(f"vehicle '{name}': unknown, expected one of {', '.join(sorted(VEHICLES))}")
    return VEHICLES[name]()


__all__ = ["VEHICLES", "Input", "Vehicle", "VehicleParameters", "VehicleSide", "open_vehicle"]
