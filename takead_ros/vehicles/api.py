"""What a vehicle is to the rest of the project. To add one: docs/extending.md, "A vehicle"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import Field

from takead_ros.domain.driving import DriveCommand
from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import Parameters, number
from takead_ros.domain.scene import Scene
from takead_ros.messages import types
from takead_ros.messages.interfaces import Interface


class VehicleParameters(Parameters):
    """What every vehicle side has."""

    vehicle: str = Field("", description="which vehicle side (at start only)")
    max_command_age_s: float = number(0.25, 0.05, 1.0, "without a command so fresh the vehicle stops, the wheel held")
    stopping_mps2: float = number(3.0, 0.5, 9.0, "how hard it then brakes")

    @classmethod
    def fixed_names(cls) -> frozenset[str]:
        return frozenset({"vehicle"})


@dataclass(frozen=True)
class Input:
    """A topic that a vehicle side reads. take: a message and the steady time of its reception (ns) to the scene that it
    completes, or None. It raises TakeadError for a message that makes no sense, and is then as it was before.
    ends_step: with this message a step of the vehicle's simulator is over, which now waits for one command."""

    interface: Interface
    take: Callable[[Any, int], Scene | None]
    ends_step: bool = False


class VehicleSide(Protocol):
    """Messages in -> ``Scene``; command -> message out. Converts units, signs and frames at this boundary; reads no
    clock and knows no node. Made from a way to read its parameters, which may change at run time. Times are ns of the
    steady clock."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it reads."""

    @property
    def output(self) -> Interface:
        """What it sends."""

    def episode(self) -> EpisodeIdentity | None:
        """What is being driven; None where this side does not know it (yet)."""

    def fault(self, now: int) -> str:
        """Why there is no scene, or why no command can be carried out; empty where all is well."""

    def carry_out(self, command: DriveCommand, now: int) -> Any:
        """The message of ``output`` that carries out ``command``, or None where that is impossible now."""

    def stop(self, steering_angle: float, now: int) -> Any:
        """The message that brakes to a standstill with the wheel held at ``steering_angle`` rad."""

    def figures(self) -> Mapping[str, object]:
        """What people may want to know, for the diagnostics."""


def vehicle_message(type_name: str, vehicle: str) -> Any:
    """A message class of another package. Raises TakeadError where that package is not there."""
    try:
        return types.message(type_name)
    except (ImportError, AttributeError, KeyError) as error:
        package = type_name.split("/")[0]
        raise TakeadError(
            f"vehicle '{vehicle}': message type {type_name} is not there ({error!r}); "
            f"expected the ROS package '{package}' sourced"
        ) from error
