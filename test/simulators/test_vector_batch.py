"""What a batch says of its environments, against the same environments seen as scenes and logs one by one."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from takead_ros.domain.driving import DriverStatus
from takead_ros.domain.perception import noise_of
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.episode_log import End, EpisodeLog, Traffic
from takead_ros.policy.decide import Decider
from takead_ros.policy.encoding import LineCache, encode
from takead_ros.policy.format import Observation
from takead_ros.policy.model import load_model
from takead_ros.scenarios import FAMILIES, build
from takead_ros.simulators.perception import chance_seed, load_perception, perception
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario, compile_scenario
from takead_ros.simulators.vector.environment import Environment
from takead_ros.simulators.vector.observe import Observer
from takead_ros.simulators.vector.perceive import Perceiver
from takead_ros.simulators.vector.scenes import Scenes
from takead_ros.simulators.vector.simulator import on_lanes
from takead_ros.simulators.vector.tape import Tape

pytestmark = pytest.mark.slow  # simulated drives

MODEL = Path(__file__).parents[2] / "models" / "novice.onnx"


def compiled(family: str, seed: int) -> CompiledScenario:
    return compile_scenario(*on_lanes(build(family, seed)))


class Both:
    """A batch, and each of its environments as Environment has it; driven by random commands."""

    def __init__(self, scenarios: list[CompiledScenario], seed: int) -> None:
        self.batch, self.scenarios = Batch(len(scenarios)), scenarios
        self.tape = Tape(self.batch)
        self.environments: list[Environment] = []
        for row, scenario in enumerate(scenarios):
            self.batch.reset([row], [scenario])
            self.tape.begin(row)
            self.environments.append(Environment(self.batch, row, scenario))
        self.random = np.random.default_rng(seed)

    def step(self) -> None:
        running = [one for one in self.environments if one.end is End.RUNNING]
        self.batch.step(self.random.uniform((-0.03, -2.0), (0.03, 3.0), (self.batch.count, 2)))
        self.tape.note()
        for one in running:
            one.record()


def same(first: object, second: object) -> bool:
    if isinstance(first, Traffic) and isinstance(second, Traffic):
        return same(vars(first.all), vars(second.all)) and same(first.first, second.first)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[name], second[name]) for name in first)
    if isinstance(first, np.ndarray):
        return isinstance(second, np.ndarray) and first.tobytes() == second.tobytes()
    return first == second


def differing(first: EpisodeLog, second: EpisodeLog) -> list[str]:
    return [f.name for f in fields(first) if not same(getattr(first, f.name), getattr(second, f.name))]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_a_batch_encodes_the_bytes_of_its_scenes(seed: int) -> None:
    """Every family of core and of long, a decision a second over a drive of 12 s."""
    families = (*FAMILIES, "long_street", "long_town")
    both = Both([compiled(family, 3_000_300 + seed) for family in families], seed)
    observer, caches = Observer(both.batch), [LineCache() for _ in families]
    rows = np.random.default_rng(seed).permutation(len(families))
    for tick in range(240):
        if tick % 20 == 0:
            seen = observer.observe(rows)
            assert seen.sound.all()
            for k, row in enumerate(rows):
                for name, values in encode(both.environments[row].observe(), caches[row]).items():
                    mine = getattr(seen.encoded, name)[k]
                    assert mine.tobytes() == values.tobytes(), (families[row], tick, name)
        both.step()


def test_a_batch_makes_the_scenes_of_its_environments() -> None:
    """Every field of the scene, bit for bit: what expert, monitor and arbiter are shown in the batched drive."""
    families = (*FAMILIES, "long_town")
    both = Both([compiled(family, 3_000_350) for family in families], 4)
    scenes, rows = Scenes(both.batch), np.arange(len(families))
    for row, one in enumerate(both.scenarios):
        scenes.begin(row, one)
    for tick in range(200):
        if tick % 20 == 0:
            scenes.look(rows)
            for row, environment in enumerate(both.environments):
                mine, theirs = scenes.scene(row, tick), environment.observe(tick)
                assert mine.polylines == theirs.polylines and mine.ego == theirs.ego
                assert mine.controls == theirs.controls
                for part in ("objects", "route"):
                    first, second = vars(getattr(mine, part)), vars(getattr(theirs, part))
                    assert [name for name in first if not same(first[name], second[name])] == [], families[row]
        both.step()


def test_a_batch_perceives_what_each_vehicle_does() -> None:
    """The same noise, dropouts, latency and switches as of the scenes one after another, bit for bit."""
    families, settings = list(FAMILIES)[1::4], load_perception("vehicle")
    scenarios = [compiled(family, 3_000_330) for family in families]
    both = Both(scenarios, 2)
    observer, perceiver = Observer(both.batch), Perceiver(both.batch, noise_of(settings, both.batch.step_s))
    single = [perception(settings, one.scenario, both.batch.step_s) for one in scenarios]
    rows, caches = np.arange(len(families)), [LineCache() for _ in families]
    for row, one in enumerate(scenarios):
        perceiver.begin(row, chance_seed(one.scenario))
    altered = 0
    for tick in range(200):
        perceiver.step(rows)
        scenes = [one.perceive(both.environments[row].observe()) for row, one in enumerate(single)]
        if tick % 20 == 0:
            shown = observer.observe(rows, perceiver.seen).encoded
            for row, scene in enumerate(scenes):
                truth = encode(both.environments[row].observe())
                for name, values in encode(scene, caches[row]).items():
                    mine = getattr(shown, name)[row]
                    assert mine.tobytes() == values.tobytes(), (families[row], tick, name)
                    altered += mine.tobytes() != truth[name].tobytes()
        both.step()
    assert altered > 20


def test_a_batch_decides_as_the_policy_does() -> None:
    """The same command from the same outputs, bit for bit, in one call of the network."""
    families = list(FAMILIES)[::3]
    both, policy = Both([compiled(family, 3_000_310) for family in families], 0), load_model(MODEL)
    observer, decider, rows = Observer(both.batch), Decider(policy), np.arange(len(families))
    lines = [LineCache() for _ in families]
    for tick in range(200):
        if tick % 20 == 0:
            seen = observer.observe(rows)
            commands = decider.decide(seen.encoded, seen.frames, seen.motions, seen.sound)
            scenes = [Observation(one.observe(), lines=lines[row]) for row, one in enumerate(both.environments)]
            for row, answer in enumerate(policy.infer_batch(scenes)):
                assert answer.status is DriverStatus.OK and seen.sound[row]
                assert commands[row].tolist() == [answer.steering_angle, answer.acceleration]
        both.step()


def test_a_tape_holds_the_logs_of_its_environments() -> None:
    """Every field, bit for bit, also of who begins in the place of another, wider or narrower than that."""
    families = ["pedestrian_crossing", "red_light", "cut_in", "emergency_vehicle", "stop_sign", *list(FAMILIES)[:2]]
    both = Both([compiled(family, 3_000_320) for family in families], 1)
    later = [compiled(family, 3_000_321) for family in ("long_town", *families[::-1])]
    done = 0
    for _ in range(900):
        both.step()
        for row, one in enumerate(both.environments):
            if one.end is End.RUNNING or not later:
                continue
            mine, theirs = both.tape.take(row, both.scenarios[row]), one.outcome()
            assert differing(mine, theirs) == []
            assert score_episode(mine) == score_episode(theirs)
            done += 1
            both.scenarios[row] = later.pop(0)
            both.batch.reset([row], [both.scenarios[row]])
            both.tape.begin(row)
            both.environments[row] = Environment(both.batch, row, both.scenarios[row])
    assert done > 4
    for row, one in enumerate(both.environments):
        assert differing(both.tape.take(row, both.scenarios[row]), one.outcome()) == []
