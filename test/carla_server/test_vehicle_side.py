"""The vehicle side's pedals and steering on the server's cars: what is asked for is what the car does."""

from __future__ import annotations

import math

import pytest

from support.carla_server import make_world
from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.simulators.carla_server import actor_commands
from takead_ros.simulators.carla_server.map_sources import KnownTowns
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import ActorDescription, Rotation, Transform, Vector3D, VehicleControl
from takead_ros.vehicles.carla.control import PedalParameters, actuate

STEP_S, WHEELBASE = 0.05, 2.875
P = PedalParameters()
LOCK = math.radians(70.0)


class Ego:
    """A car of the server, told commands as vehicle_node tells them, 20 times a second."""

    def __init__(self, world: ServerWorld, speed: float) -> None:
        self.world = world
        description = ActorDescription(0, "vehicle.tesla.model3", ())
        self.id = world.spawn(description, Transform(Vector3D(0.0, 0.0, 0.0), Rotation(0.0, 0.0, 0.0))).id
        self.row = world.rows.by_id[self.id].row
        world.step()
        actor_commands.set_velocity(world, self.id, Vector3D(speed, 0.0, 0.0))
        self.speed, self.acceleration, self.integral = speed, 0.0, 0.0

    def drive(self, steering: float, acceleration: float, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            asked = DriveCommand(0, steering, acceleration, Source.POLICY, Source.POLICY)
            pedals = actuate(asked, self.speed, self.acceleration, LOCK, self.integral, STEP_S, P)
            self.integral = pedals.integral
            actor_commands.control(self.world, self.id, VehicleControl(pedals.throttle, pedals.steer, pedals.brake))
            self.world.step()
            before, self.speed = self.speed, math.hypot(*self.world.rows.velocity[self.row, :2])
            self.acceleration = (self.speed - before) / STEP_S

    @property
    def curvature(self) -> float:
        """1/m, positive to the left (CARLA turns positive to the right)."""
        return -math.radians(self.world.rows.spin[self.row, 2]) / self.speed


@pytest.mark.parametrize("steering", [-0.12, 0.06])
@pytest.mark.parametrize("speed", [3.0, 9.0, 13.0])
def test_the_wheels_turn_as_far_as_asked(towns: KnownTowns, speed: float, steering: float) -> None:
    """CARLA's wheels reach less of their lock the faster it goes: unaware of that, a car at 9 m/s turned 13 % less."""
    ego = Ego(make_world(towns), speed)
    ego.drive(steering, 0.0, 0.5)
    assert ego.curvature == pytest.approx(math.tan(steering) / WHEELBASE, rel=0.04)


def test_it_speeds_up_and_brakes_as_it_is_told_in_sign(towns: KnownTowns) -> None:
    """How much is another matter: docs/results/carla.md, "Pedals"."""
    for asked in (1.5, -2.0, -5.0):
        ego = Ego(make_world(towns), 10.0)
        ego.drive(0.0, asked, 1.0)
        assert 0.3 < (ego.speed - 10.0) / asked < 2.0


def test_it_is_held_where_it_stopped(towns: KnownTowns) -> None:
    ego = Ego(make_world(towns), 3.0)
    ego.drive(0.0, -2.0, 4.0)
    x = ego.world.rows.pose[ego.row, 0]
    ego.drive(0.0, -1.0, 3.0)
    assert ego.speed == 0.0 and ego.world.rows.pose[ego.row, 0] == x
