"""Scripted scenarios in MetaDrive, headless, physics only: one engine for all of them, reset for each.

Only this folder imports MetaDrive, and only when an engine is made.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.maps.roads import RAMP_RADIUS, OpenDriveMap, Roads
from takead_ros.scenarios.road_users import Pose
from takead_ros.scenarios.spec import Actor, Model
from takead_ros.simulators.metadrive.blocks import map_config
from takead_ros.simulators.metadrive.environment import EGO, OnlyEnvironment, quiet, vehicle_state

PHYSICS_STEP = 0.025  # s; two physics steps in one 20 Hz step
# Forces are chosen so that pedal position is linear in acceleration: full throttle 4 m/s^2, full brake 9 m/s^2.
FULL_THROTTLE = 4.0  # m/s^2
FULL_BRAKE = 9.0  # m/s^2
CREEP = 0.05  # m/s
# MetaDrive's names of its vehicles; they have the sizes of ``scenarios.spec.DIMENSIONS``
VEHICLES = {Model.CAR_S: "s", Model.CAR_M: "m", Model.CAR_L: "l", Model.VAN: "xl"}
# The physics ground is one plane. A town's streets lie on it as lanes only; MetaDrive gets a road far from them.
ELSEWHERE = Roads(1, 3.5, 30.0, (), origin=(-1000.0, 1000.0))


@contextlib.contextmanager
def _shaped(shapes: Sequence[tuple[Any, str, float]]) -> Iterator[None]:
    """MetaDrive's blocks (class, name of its constant, value) with other constants than its own, for a while."""
    before = [(block, name, getattr(block, name)) for block, name, _ in shapes]
    try:
        for block, name, value in shapes:
            setattr(block, name, value)
        yield
    finally:
        for block, name, value in before:
            setattr(block, name, value)


def _make_environment(engine: ScriptedEngine) -> Any:
    from metadrive.component.algorithm.blocks_prob_dist import PGBlockDistConfig
    from metadrive.component.map.pg_map import PGMap
    from metadrive.envs.base_env import BaseEnv
    from metadrive.manager.base_manager import BaseManager
    from metadrive.obs.observation_base import DummyObservation

    class MapManager(BaseManager):  # type: ignore[misc]
        """Builds the scenario's own map at each reset and destroys the one before."""

        PRIORITY = 0

        def __init__(self) -> None:
            super().__init__()
            self.current_map: Any = None

        def before_reset(self) -> None:
            if self.current_map is not None:
                self.current_map.detach_from_world()
                self.current_map.destroy()
                self.current_map = None

        def reset(self) -> None:
            _renew_physics(self.engine)  # everything of the last episode has left it by now
            config = map_config(engine.roads)
            block = self.engine.global_config["block_dist_config"].get_block
            shapes = [(block(letter), "EXIT_PART_LENGTH", engine.roads.arm) for letter in "XTO"]
            shapes += [(block(letter), "RAMP_LEN", engine.roads.arm) for letter in "rR"]
            shapes += [(block(letter), "RADIUS", RAMP_RADIUS) for letter in "rR"]
            with _shaped(shapes):
                self.current_map = self.engine.spawn_object(
                    PGMap, auto_fill_random_seed=False, force_spawn=True, map_config=config, random_seed=None
                )
            self.engine._spawned_objects.pop(self.current_map.id)
            self.engine._clean_color(self.current_map.id)

    class ActorManager(BaseManager):  # type: ignore[misc]
        """Keeps MetaDrive's bodies where the script wants them; poses are set before each step."""

        def before_step(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            engine.place_bodies()
            return {}

        def before_reset(self) -> None:
            engine.bodies.clear()
            super().before_reset()

    class Environment(BaseEnv):  # type: ignore[misc]
        @classmethod
        def default_config(cls) -> Any:
            config = super().default_config()
            config.update({"block_dist_config": PGBlockDistConfig, "start_seed": 0, "static_traffic_object": True})
            return config

        def setup_engine(self) -> None:
            super().setup_engine()
            self.engine.register_manager("map_manager", MapManager())
            self.engine.register_manager("actor_manager", ActorManager())

        def reward_function(self, object_id: str) -> tuple[float, dict[str, Any]]:
            return 0.0, {}

        def cost_function(self, object_id: str) -> tuple[float, dict[str, Any]]:
            return 0.0, {}

        def done_function(self, object_id: str) -> tuple[bool, dict[str, Any]]:
            return False, {}

    return Environment(
        {
            "agent_observation": DummyObservation,
            # reused objects keep traces of the episode before: two runs would drift apart
            "force_destroy": True,
            "physics_world_step_size": PHYSICS_STEP,
            "decision_repeat": engine.repeat,
            "log_level": logging.CRITICAL,
            "vehicle_config": {"vehicle_model": "static_default"},
            "agent_configs": {"default_agent": {"spawn_lane_index": (">", ">>", 0), "use_special_color": True}},
        }
    )


def _pedal(acceleration: float, speed: float) -> float:
    """MetaDrive's throttle (positive) or brake (negative) for an acceleration in m/s^2; both are linear in it.

    Zero throttle makes MetaDrive drag the brakes, so that coasting asks for the least throttle that it takes.
    """
    if acceleration >= 0.0:
        return max(min(acceleration / FULL_THROTTLE, 1.0), 1e-4)
    if speed < CREEP:
        return -1.0
    return max(acceleration / FULL_BRAKE, -1.0)


def physics_steps(step_s: float) -> int:
    """Physics steps in one step of ``step_s`` s. Raises TakeadError where that is no whole number of them."""
    count = round(step_s / PHYSICS_STEP)
    if count < 1 or abs(count * PHYSICS_STEP - step_s) > 1e-9:
        raise TakeadError(f"simulator: step_s {step_s} s, expected a multiple of {PHYSICS_STEP} s")
    return count


def _renew_physics(engine: Any) -> None:
    """A dynamic world as new: Bullet's keeps traces of the episodes before, which show in the last digits.

    The static one stays: nothing moves in it, and sensors hang in it.
    """
    from metadrive.engine.core.collision_callback import collision_callback
    from metadrive.engine.core.physics_world import PhysicsWorld
    from panda3d.core import PythonCallbackObject

    engine.physics_world.dynamic_world.clearContactAddedCallback()
    renewed = PhysicsWorld(disable_collision=engine.global_config["disable_collision"])
    renewed.dynamic_world.setContactAddedCallback(PythonCallbackObject(collision_callback))
    engine.physics_world.dynamic_world = renewed.dynamic_world


class ScriptedEngine:
    """MetaDrive's physics around the ego and bodies that are set where a script wants them.

    Raises TakeadError where MetaDrive is not installed, another engine is alive in this process, or ``step_s`` is no
    multiple of the physics step.
    """

    def __init__(self, step_s: float) -> None:
        self.repeat = physics_steps(step_s)
        self.step_s = step_s
        self.roads = Roads(1, 3.5, 30.0, ())
        self.bodies: dict[int, Any] = {}
        self._poses: Sequence[Pose | None] = ()
        self._only = OnlyEnvironment(lambda: _make_environment(self))
        self._environment = self._only.environment

    def build(self, roads: Roads | OpenDriveMap) -> None:
        """Clears the world and builds ``roads`` in it."""
        self._poses = ()
        self.roads = roads if isinstance(roads, Roads) else ELSEWHERE
        with quiet():
            self._environment.reset()

    @property
    def network(self) -> Any:
        """MetaDrive's own road network, for the test that holds our lanes to it."""
        return self._environment.engine.map_manager.current_map.road_network

    def place_ego(self, x: float, y: float, yaw: float, speed: float) -> Any:
        """Puts MetaDrive's vehicle at (x, y) m, heading ``yaw`` rad, with ``speed`` m/s; returns it."""
        ego = self._environment.agent
        ego.config["max_engine_force"] = FULL_THROTTLE * ego.MASS / 4.0
        ego.config["max_brake_force"] = FULL_BRAKE * ego.MASS * PHYSICS_STEP / 4.0
        ego.set_position((x, y), height=0.35)
        ego.set_heading_theta(yaw)
        ego.set_velocity((math.cos(yaw) * speed, math.sin(yaw) * speed))
        self._ego = ego
        return ego

    def spawn(self, index: int, actor: Actor, pose: Pose) -> None:
        """Body ``index``, for ``actor`` at ``pose`` (x m, y m, yaw rad, vx m/s, vy m/s)."""
        from metadrive.component.static_object import traffic_object
        from metadrive.component.traffic_participants.cyclist import Cyclist
        from metadrive.component.traffic_participants.pedestrian import Pedestrian
        from metadrive.component.vehicle.vehicle_type import vehicle_type

        others = {
            Model.PEDESTRIAN: Pedestrian,
            Model.CYCLIST: Cyclist,
            Model.CONE: traffic_object.TrafficCone,
            Model.WARNING: traffic_object.TrafficWarning,
            Model.BARRIER: traffic_object.TrafficBarrier,
        }
        manager = self._environment.engine.actor_manager
        x, y, yaw, _, _ = pose
        if actor.model in VEHICLES:
            config = {"spawn_position_heading": ((x, y), yaw), "navigation_module": None}
            body = manager.spawn_object(vehicle_type[VEHICLES[actor.model]], vehicle_config=config, random_seed=0)
        else:
            body = manager.spawn_object(others[actor.model], position=(x, y), heading_theta=yaw, random_seed=0)
        self.bodies[index] = body

    def step(self, steering: float, acceleration: float, speed: float, poses: Sequence[Pose | None]) -> None:
        """One step. steering rad, positive left, within full lock; acceleration m/s^2 from ``speed`` m/s on;
        ``poses``: one per body, None: it is gone from the world."""
        self._poses = poses
        self._environment.step([steering / EGO.max_steering_angle, _pedal(acceleration, speed)])

    def hold(self, x: float, y: float, yaw: float) -> None:
        """Puts the ego back to where it stood: a braked MetaDrive body creeps by a centimetre a second."""
        ego = self._ego
        ego.set_position((x, y))
        ego.set_heading_theta(yaw)
        ego.body.set_linear_velocity((0.0, 0.0, 0.0))
        ego.body.set_angular_velocity((0.0, 0.0, 0.0))

    def fix(self, index: int) -> None:
        """Makes body ``index`` a wreck that nobody can push away: in Bullet a body without mass does not move."""
        self.bodies[index].body.set_mass(0.0)

    def place_bodies(self) -> None:
        manager = self._environment.engine.actor_manager
        for i, pose in enumerate(self._poses):
            body = self.bodies.get(i)
            if body is None:
                continue
            if pose is None:
                manager.clear_objects([body.id])
                del self.bodies[i]
                continue
            x, y, yaw, vx, vy = pose
            body.set_position((x, y))
            body.set_heading_theta(yaw)
            body.set_velocity((vx, vy))

    def ego_state(self) -> tuple[float, float, float, float, float, float]:
        """x m, y m, yaw rad, speed m/s along and lateral speed m/s across the vehicle (positive left), yaw rate."""
        return vehicle_state(self._ego)

    def close(self) -> None:
        self._only.close()
