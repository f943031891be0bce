"""MetaDrive's SafeMetaDriveEnv behind the same world: nothing of its protocol is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import SPLIT_SIZE
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan
from takead_ros.host.lockstep import LockstepHost
from takead_ros.maps.roads import SafeMetaDriveMap
from takead_ros.measures.driving_score import score
from takead_ros.measures.episode_log import End
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.runs.results import job, summary, summary_table
from takead_ros.scenarios import FAMILIES, build
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators.metadrive.engine import import_metadrive, quiet
from takead_ros.simulators.metadrive.world import World

pytestmark = pytest.mark.slow

Action = tuple[float, float]


def _drive(world: World, seed: int, steps: int, actions: list[Action] | None = None) -> np.ndarray:
    """The expert's drive, (x, y, yaw, speed) per tick; MetaDrive's pedals are noted in ``actions``."""
    world.reset(build("safe_metadrive", seed))
    memory, parameters = Memory(), ExpertParameters()
    engine: Any = world._engine
    if actions is not None:
        original = engine._environment.step

        def step(action: list[float]) -> Any:
            actions.append((float(action[0]), float(action[1])))
            return original(action)

        engine._environment.step = step
    for _ in range(steps):
        if world.done:
            break
        output, memory = plan(world.observe(), memory, parameters)
        world.step(output.steering_angle, output.acceleration)
    if actions is not None:
        engine._environment.step = original
    log = world.outcome()
    return np.stack([log.x, log.y, log.yaw, log.speed], axis=1)


def test_seeds_name_the_held_out_and_the_training_maps() -> None:
    """Published results: trained on maps 100 to 149, judged on maps from 1000 on."""
    assert build("safe_metadrive", 0).roads == SafeMetaDriveMap(1000)
    assert build("safe_metadrive", 49).roads == SafeMetaDriveMap(1049)
    assert build("safe_metadrive", 3 * SPLIT_SIZE + 7).roads == SafeMetaDriveMap(107)
    trained = [build("safe_metadrive", SPLIT_SIZE + i).roads for i in range(0, 5000, 13)]
    assert all(isinstance(roads, SafeMetaDriveMap) and 100 <= roads.index < 1000 for roads in trained)
    assert load_suite("safe_metadrive").families == ("safe_metadrive",) and "safe_metadrive" not in FAMILIES


def test_an_episode_is_the_very_one_of_metadrive_s_environment() -> None:
    """The same pedals in MetaDrive's own class, with its own sensors and the published settings, give the same."""
    world, actions = World(), []
    try:
        ours = _drive(world, 2, 60, actions)
        count, verdict = len(world.outcome().objects[-1]), world.verdict()
    finally:
        world.close()
    import_metadrive()
    from metadrive.envs.safe_metadrive_env import SafeMetaDriveEnv

    settings = {"traffic_density": 0.06, "horizon": 1500, "out_of_route_done": True, "cost_to_reward": True,
                "start_seed": 1000, "num_scenarios": 50, "force_destroy": True, "log_level": 50}  # fmt: skip
    with quiet():
        environment = SafeMetaDriveEnv(settings)
        environment.reset(seed=1002)
    try:
        assert environment.config["accident_prob"] == 0.8 and environment.config["physics_world_step_size"] == 0.02
        theirs, cost = [], 0.0
        for action in actions:
            _, _, terminated, truncated, info = environment.step(list(action))
            assert not (terminated or truncated)
            cost += info["cost"]
            theirs.append((*environment.agent.position, environment.agent.heading_theta))
        assert np.array_equal(ours[1:, :2], np.array(theirs)[:, :2])
        assert np.allclose(ours[1:, 2], np.array(theirs)[:, 2])
        others = [body for body in environment.engine.get_objects().values() if body is not environment.agent]
        assert len(others) == count > 0
        assert verdict is not None and verdict["cost"] == cost
        assert verdict["route_completion"] == info["route_completion"]
    finally:
        with quiet():
            environment.close()


def test_the_order_of_resets_and_other_scenarios_between_change_nothing(world: World) -> None:
    first = _drive(world, 0, 50)
    _drive(world, 5, 10)
    world.reset(build("cut_in", 0))
    assert world.step_s == 0.05 and world.verdict() is None
    world.step(0.0, 1.0)
    assert np.array_equal(first, _drive(world, 0, 50))
    assert world.step_s == 0.1


def test_the_scene_holds_metadrive_s_road_route_and_objects(world: World) -> None:
    for seed in range(6):
        world.reset(build("safe_metadrive", seed))
        scene, log = world.observe(), world.outcome()
        assert len(scene.polylines) > 10 and any(line.on_route for line in scene.polylines)
        assert abs(scene.route.lateral_offset) < 0.1 and abs(scene.route.heading_error) < 0.05
        path = world._navigation.path
        assert log.route_length > 100.0
        assert np.abs(np.diff(path.yaw)).max() < 0.35, f"seed {seed}: the route has a kink"
        final: Any = world._engine._environment.agent.navigation.final_lane  # type: ignore[attr-defined]
        end = np.array(final.position(final.length, 0.0))
        assert np.hypot(*(path.points[-1] - end)) < 3.5 * 3 + 1.0
        objects = log.objects[0]
        assert list(objects.id) == sorted(objects.id) and (objects.length > 0.3).all()
        assert scene.ego.speed < 0.5 and scene.route.speed_limit is not None


def test_the_pedals_do_what_is_asked(world: World) -> None:
    """m/s^2 are turned into MetaDrive's forces; its default car can accelerate with 2.7 m/s^2 and brake with 6."""
    world.reset(build("safe_metadrive", 1))
    for asked, ticks in ((2.0, 25), (0.0, 10), (-2.0, 10), (-4.0, 5)):
        for _ in range(3):
            world.step(-0.05 * world.observe().route.lateral_offset, asked)
        before = world.observe().ego.speed
        for _ in range(ticks - 3):
            route = world.observe().route
            world.step(-0.05 * route.lateral_offset - 0.5 * route.heading_error, asked)
        reached = (world.observe().ego.speed - before) / ((ticks - 3) * world.step_s)
        assert reached == pytest.approx(asked, abs=0.25), asked


def test_leaving_the_road_ends_it_and_crashes_cost(world: World) -> None:
    world.reset(build("safe_metadrive", 0))
    while not world.done and world.time < 30.0:
        world.step(0.2, 2.0)
    verdict = world.verdict()
    assert world.outcome().end is End.ROUTE_DEVIATION and verdict is not None
    assert verdict["success"] == 0.0 and verdict["cost"] >= 1.0 and verdict["route_completion"] < 0.9
    assert score(world.outcome()).driving_score < 90.0


def test_means_of_metadrive_s_measures_are_reported(world: World) -> None:
    work = job("expert", "safe_metadrive", "0-1")
    world.reset(build("safe_metadrive", 0))
    world.step(0.0, 1.0)
    result = score(world.outcome()).as_dict()
    extra = {"triggers": [], "clips": []}
    rows = [
        {
            **result,
            **extra,
            "seed": seed,
            "metadrive": {"success": s, "cost": c, "reward": 0.0, "route_completion": 1.0},
        }
        for seed, (s, c) in enumerate(((1.0, 0.0), (0.0, 3.0)))
    ]
    content = summary(work, {"unassisted": rows})
    assert content["metadrive"]["success"] == 0.5 and content["metadrive"]["cost"] == 1.5
    assert "success 0.50, episodic cost 1.50" in str(summary_table(content).caption)


def test_the_node_says_which_rate_it_needs(world: World) -> None:
    host = LockstepHost()
    world.reset(build("safe_metadrive", 0))
    with pytest.raises(TakeadError, match="'rate' = 20, expected 10 for scenario safe_metadrive"):
        SimulatorNode(host.create_node(SimulatorNode.NAME), host.steady, world)


def test_scenario_without_threat_field_is_still_one_value() -> None:
    scenario = build("safe_metadrive", 3)
    assert scenario == build("safe_metadrive", 3) != build("safe_metadrive", 4)
    assert scenario == replace(scenario) and not scenario.actors
