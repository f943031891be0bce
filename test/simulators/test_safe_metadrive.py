"""MetaDrive's SafeMetaDriveEnv behind the same seam: nothing of its protocol is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from takead_ros.cli.tables import evaluation_notes
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import SPLIT_SIZE
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan
from takead_ros.host.lockstep import LockstepHost
from takead_ros.maps.roads import SafeMetaDriveMap
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.episode_log import End
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.runs.results import EpisodeResult, evaluation
from takead_ros.runs.spec import run_spec
from takead_ros.scenarios import FAMILIES, build
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators import STEP_S
from takead_ros.simulators.metadrive.environment import import_metadrive, quiet
from takead_ros.simulators.metadrive.safe_metadrive import SafeMetaDriveEpisode
from takead_ros.simulators.metadrive.simulator import MetaDrive

pytestmark = pytest.mark.slow

Action = tuple[float, float]


def _begin(simulator: MetaDrive, seed: int) -> SafeMetaDriveEpisode:
    episode = simulator.reset(build("safe_metadrive", seed))
    assert isinstance(episode, SafeMetaDriveEpisode)
    return episode


def _drive(episode: SafeMetaDriveEpisode, steps: int, actions: list[Action] | None = None) -> np.ndarray:
    """The expert's drive, (x, y, yaw, speed) per tick; MetaDrive's pedals are noted in ``actions``."""
    memory, parameters = Memory(), ExpertParameters()
    environment: Any = episode.environment
    if actions is not None:
        original = environment.step

        def step(action: list[float]) -> Any:
            actions.append((float(action[0]), float(action[1])))
            return original(action)

        environment.step = step
    for _ in range(steps):
        if episode.done:
            break
        output, memory = plan(episode.observe(), memory, parameters)
        episode.step(output.steering_angle, output.acceleration)
    if actions is not None:
        environment.step = original
    log = episode.outcome()
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
    simulator, actions = MetaDrive(STEP_S), []
    try:
        episode = _begin(simulator, 2)
        ours = _drive(episode, 60, actions)
        count, verdict = len(episode.outcome().objects[-1]), episode.verdict()
    finally:
        simulator.close()
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


def test_the_order_of_resets_and_other_scenarios_between_change_nothing(simulator: MetaDrive) -> None:
    first = _drive(_begin(simulator, 0), 50)
    _drive(_begin(simulator, 5), 10)
    episode = simulator.reset(build("cut_in", 0))
    assert episode.step_s == 0.05 and episode.verdict() is None
    episode.step(0.0, 1.0)
    again = _begin(simulator, 0)
    assert np.array_equal(first, _drive(again, 50)) and again.step_s == 0.1


def test_the_scene_holds_metadrive_s_road_route_and_objects(simulator: MetaDrive) -> None:
    for seed in range(6):
        episode = _begin(simulator, seed)
        scene, log = episode.observe(), episode.outcome()
        assert len(scene.polylines) > 10 and any(line.on_route for line in scene.polylines)
        assert abs(scene.route.lateral_offset) < 0.1 and abs(scene.route.heading_error) < 0.05
        path = episode.navigation.path
        assert log.route_length > 100.0
        assert np.abs(np.diff(path.yaw)).max() < 0.35, f"seed {seed}: the route has a kink"
        assert np.hypot(*(path.points[-1] - episode.destination)) < 3.5 * 3 + 1.0
        objects = log.objects[0]
        assert list(objects.id) == sorted(objects.id) and (objects.length > 0.3).all()
        assert scene.ego.speed < 0.5 and scene.route.speed_limit is not None


def test_the_pedals_do_what_is_asked(simulator: MetaDrive) -> None:
    """m/s^2 are turned into MetaDrive's forces; its default car can accelerate with 2.7 m/s^2 and brake with 6."""
    episode = simulator.reset(build("safe_metadrive", 1))
    for asked, ticks in ((2.0, 25), (0.0, 10), (-2.0, 10), (-4.0, 5)):
        for _ in range(3):
            episode.step(-0.05 * episode.observe().route.lateral_offset, asked)
        before = episode.observe().ego.speed
        for _ in range(ticks - 3):
            route = episode.observe().route
            episode.step(-0.05 * route.lateral_offset - 0.5 * route.heading_error, asked)
        reached = (episode.observe().ego.speed - before) / ((ticks - 3) * episode.step_s)
        assert reached == pytest.approx(asked, abs=0.25), asked


def test_leaving_the_road_ends_it_and_crashes_cost(simulator: MetaDrive) -> None:
    episode = simulator.reset(build("safe_metadrive", 0))
    while not episode.done and episode.time_s < 30.0:
        episode.step(0.2, 2.0)
    verdict = episode.verdict()
    assert episode.outcome().end is End.ROUTE_DEVIATION and verdict is not None
    assert verdict["success"] == 0.0 and verdict["cost"] >= 1.0 and verdict["route_completion"] < 0.9
    assert score_episode(episode.outcome()).driving_score < 90.0


def test_means_of_metadrive_s_measures_are_reported(simulator: MetaDrive) -> None:
    work = run_spec("expert", "safe_metadrive", "0-1")
    episode = simulator.reset(build("safe_metadrive", 0))
    episode.step(0.0, 1.0)
    found = vars(score_episode(episode.outcome()))
    rows = [
        EpisodeResult(
            **{**found, "seed": seed},
            triggers=(),
            driver="expert",
            verdict={"success": s, "cost": c, "reward": 0.0, "route_completion": 1.0},
        )
        for seed, (s, c) in enumerate(((1.0, 0.0), (0.0, 3.0)))
    ]
    content = evaluation(work.model, work.settings(), {"unassisted": rows})
    assert content.verdict is not None and content.verdict["success"] == 0.5 and content.verdict["cost"] == 1.5
    assert "success 0.50, cost 1.50" in evaluation_notes(content)[-1]


def test_the_node_says_which_rate_it_needs(simulator: MetaDrive) -> None:
    host = LockstepHost()
    episode = simulator.reset(build("safe_metadrive", 0))
    with pytest.raises(TakeadError, match=r"'period_s' = 0\.05, expected 0\.1 for scenario safe_metadrive"):
        SimulatorNode(host.create_node(SimulatorNode.NAME), host.steady, episode)


def test_scenario_without_threat_field_is_still_one_value() -> None:
    scenario = build("safe_metadrive", 3)
    assert scenario == build("safe_metadrive", 3) != build("safe_metadrive", 4)
    assert scenario == replace(scenario) and not scenario.actors
