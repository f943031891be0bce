"""A drive of its own on a running CARLA, or on ``takead carla-server``: known pedals on a straight road, what it did.

The road is a map made for it (``generate_opendrive_world``): the world that was there is gone afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.domain.errors import TakeadError
from takead_ros.maps.carla_map import import_carla
from takead_ros.vehicles.carla.actors import chassis_of
from takead_ros.vehicles.carla.control import PedalParameters, Pedals, actuate
from takead_ros.vehicles.carla.convert import Chassis
from takead_ros.vehicles.carla.identification import Samples

STEP_S = 0.05
LENGTH = 4000.0  # m of road
SETTLED = 4  # ticks after a change of a pedal that do not count
THROTTLES = (0.3, 0.5, 0.75, 1.0)
BRAKES = (0.15, 0.3, 0.6, 1.0)
FASTEST, BRAKED_FROM = 33.0, 22.0  # m/s
SPEEDS = (3.0, 5.5, 9.0, 13.0, 17.0, 24.0, 30.0)  # m/s at which it turns
SIDEWAYS = 2.0  # m/s^2 of lateral acceleration while it turns
TURN_S = 0.5  # of turning each way: it stays on the road
CHECKS = ((4.0, 1.5), (8.0, 1.5), (8.0, -2.0), (12.0, -5.0), (12.0, 0.0), (15.0, 1.0), (20.0, -1.0))  # from m/s, m/s^2


@dataclass(frozen=True)
class PedalCheck:
    """The acceleration that a vehicle at ``speed`` m/s was given as ``command``, and its ``response``, by the map."""

    speed: float
    command: float
    response: float


class ProvingGround:
    """A vehicle on the road. Raises TakeadError where there is no server, or no such vehicle."""

    def __init__(self, host: str, port: int, blueprint: str, timeout_s: float) -> None:
        self._carla = carla = import_carla()
        try:
            client = carla.Client(host, port)
            client.set_timeout(timeout_s)
            self._world = client.generate_opendrive_world(straight_road(LENGTH))
            settings = self._world.get_settings()
            settings.synchronous_mode, settings.fixed_delta_seconds = True, STEP_S
            self._world.apply_settings(settings)
            kind = self._world.get_blueprint_library().find(blueprint)
            kind.set_attribute("role_name", "identified")
            self._start = carla.Transform(carla.Location(20.0, 6.0, 0.3))
            self._vehicle = self._world.spawn_actor(kind, self._start)
            self._world.tick()
        except (RuntimeError, IndexError) as error:
            raise TakeadError(
                f"identification with '{blueprint}' on {host}:{port}: {error}; expected a CARLA server there and a "
                "vehicle of its catalogue"
            ) from error
        self.chassis: Chassis = chassis_of(self._vehicle)
        self._rows: list[tuple[float, ...]] = []

    def close(self) -> None:
        """Take the vehicle away and give the world back to its own clock."""
        self._vehicle.destroy()
        settings = self._world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = False, None
        self._world.apply_settings(settings)

    def drive(self, progress: Callable[[str], None]) -> Samples:
        """The whole programme: throttles with coasting, brakes, and turns at several speeds."""
        for throttle in THROTTLES:
            progress(f"throttle {throttle:.2f}, then none")
            self._restart()
            self._run(throttle, 0.0, 0.0, lambda speed: speed > FASTEST, 40.0)
            self._run(0.0, 0.0, 0.0, lambda speed: speed < 0.5, 40.0)
        for brake in BRAKES:
            progress(f"brake {brake:.2f}")
            self._restart()
            self._run(1.0, 0.0, 0.0, lambda speed: speed > BRAKED_FROM, 25.0)
            self._run(0.0, brake, 0.0, lambda speed: speed < 0.5, 20.0)
        for speed in SPEEDS:
            progress(f"turning at {speed:.1f} m/s")
            self._turn(speed)
        return Samples(*np.array(self._rows).T)

    def check(self, parameters: PedalParameters, seconds: float = 1.5) -> list[PedalCheck]:
        """What becomes of constant wishes by the map alone, without the integral."""
        alone = parameters.model_copy(update={"integral_gain_per_s": 0.0})
        found = []
        for begin, asked in CHECKS:
            self._restart()
            self._run(0.6, 0.0, 0.0, lambda speed, begin=begin: speed >= begin, 25.0)  # type: ignore[misc]
            first, ticks = self._speed(), round(seconds / STEP_S)
            for _ in range(ticks):
                command = DriveCommand(0, 0.0, asked, Source.POLICY, Source.POLICY)
                pedals = actuate(command, self._speed(), 0.0, self.chassis.max_steering_angle, 0.0, STEP_S, alone)
                self._tick(pedals)
            found.append(PedalCheck(first, asked, (self._speed() - first) / seconds))
        return found

    def _turn(self, speed: float) -> None:
        self._restart()
        self._run(1.0, 0.0, 0.0, lambda now: now >= speed, 40.0)
        angle = math.atan(SIDEWAYS * self.chassis.wheelbase / speed**2)
        steer = min(angle / self.chassis.max_steering_angle, 0.5)
        for side in (1.0, -1.0, -1.0, 1.0):  # out and back again, twice
            self._run(0.4, 0.0, side * steer, lambda now: False, TURN_S)

    def _restart(self) -> None:
        """Standing at the beginning of the road."""
        self._vehicle.set_transform(self._start)
        self._vehicle.set_target_velocity(self._carla.Vector3D())
        for _ in range(10):
            self._tick(Pedals(0.0, 0.0, 1.0))

    def _run(self, throttle: float, brake: float, steer: float, until: Callable[[float], bool], seconds: float) -> None:
        for tick in range(round(seconds / STEP_S)):
            before = self._speed()
            self._tick(Pedals(steer, throttle, brake))
            after = self._speed()
            yaw_rate = -math.radians(self._vehicle.get_angular_velocity().z)
            if tick >= SETTLED:
                self._rows.append((before, throttle, brake, steer, (after - before) / STEP_S, yaw_rate))
            if until(after):
                return

    def _tick(self, pedals: Pedals) -> None:
        self._vehicle.apply_control(
            self._carla.VehicleControl(throttle=pedals.throttle, steer=pedals.steer, brake=pedals.brake)
        )
        self._world.tick()

    def _speed(self) -> float:
        velocity = self._vehicle.get_velocity()
        return math.hypot(velocity.x, velocity.y)


def straight_road(length: float) -> str:
    """OpenDRIVE of a straight road to the east with three lanes of 4 m on its right."""
    mark = '<roadMark sOffset="0" type="solid" weight="standard" color="white" width="0.15"/>'
    lanes = "".join(
        f'<lane id="{-i}" type="driving" level="false"><width sOffset="0" a="4.0" b="0" c="0" d="0"/>{mark}</lane>'
        for i in (1, 2, 3)
    )
    return (
        '<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="4" name="track" version="1.00" north="100" '
        f'south="-100" east="{length}" west="0"/><road name="track" length="{length}" id="1" junction="-1"><link/>'
        f'<type s="0" type="town"/><planView><geometry s="0" x="0" y="0" hdg="0" length="{length}"><line/></geometry>'
        f'</planView><lanes><laneSection s="0"><center><lane id="0" type="none" level="false">{mark}</lane></center>'
        f"<right>{lanes}</right></laneSection></lanes></road></OpenDRIVE>"
    )
