"""Learned road users in a dream: they answer to what the ego plans; the shipped model moves them.

The clips are drives of the expert in the vector world, made here, on seeds that the model never learned from.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.dream import MANOEUVRES, hits
from takead_ros.domain.driving import Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import to_local
from takead_ros.domain.scene import FloatArray
from takead_ros.prediction import model as prediction_model
from takead_ros.recording.clip_folders import list_clips
from takead_ros.runs.dream import RECORDED, DreamDriver, dream, drive_recorded
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec
from takead_ros.simulators.dream.clip_world import ClipWorld, read_world
from takead_ros.simulators.dream.ego_plan import EgoPlan, going_on
from takead_ros.simulators.dream.episode import DreamEpisode

pytestmark = pytest.mark.slow  # simulated drives

FOLLOWED = ("lead_hard_brake", 1000001, 14.0)  # somebody drives behind the ego
ONCOMING = ("intersection_left", 1000003, 5.0)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, runner, found = tmp_path_factory.mktemp("drives"), EpisodeRunner(), {}
    for family, seed, _ in (FOLLOWED, ONCOMING):
        spec = EpisodeSpec("core", family, seed, EXPERT, False, str(folder), "all", "vector")
        runner.run(spec)
        assert spec.folder is not None
        (found[family],) = list_clips(spec.folder)
    runner.close()
    return found


def moment(clips: dict[str, Path], which: tuple[str, int, float], seconds: float = 6.0) -> ClipWorld:
    return read_world(clips[which[0]], at_s=which[2], seconds=seconds)


def places(world: ClipWorld, plan: Plan | None, seconds: float) -> FloatArray:
    """Where everybody is, tick by tick, while the ego announces ``plan`` and keeps its speed."""
    episode, found = DreamEpisode(world, "learned"), []
    while episode.time_s < seconds - 1e-6:
        if plan is not None and round(episode.time_s / episode.step_s) % 2 == 0:
            episode.announce(plan)
        episode.step(0.0, 0.0)
        found.append(episode.places())
    return np.stack(found)


def straight(speed: float, gain: float) -> Plan:
    times = np.arange(1, 9) * 0.5
    speeds = np.maximum(speed + gain * times, 0.0)
    way = np.cumsum(0.5 * (speeds + np.concatenate([[speed], speeds[:-1]]))) * 0.5
    return Plan(way, np.zeros(8), np.zeros(8), speeds)


def test_who_follows_a_braking_ego_brakes_where_replay_hits_it(clips: Any) -> None:
    world = moment(clips, FOLLOWED)
    assert [hit.behind for hit in hits(world, "brakes", "replay")] == [True]
    assert hits(world, "brakes", "learned") == []


def test_what_the_ego_does_decides_who_hits_whom(clips: Any) -> None:
    """PerlAD's test of causality: the same scene, the ego braking, going on, changing lane."""
    world = moment(clips, ONCOMING)
    found = {one: {hit.id for hit in hits(world, one, "learned")} for one in MANOEUVRES}
    assert found["brakes"] == set() and found["goes on"] and found["changes lane"] not in (set(), found["goes on"])


def test_they_answer_to_the_plan_before_the_ego_does_anything(clips: Any) -> None:
    """The ego moves alike both times; only what it says that it will do is another thing. After half a second who
    follows has begun to slow down for the one who says that it will stop."""
    world = moment(clips, FOLLOWED)
    speed = world.ticks[0].world.ego.speed
    ego = world.tracks.ego[0]
    goes, stops = (places(world, straight(speed, gain), 1.0) for gain in (0.0, -6.0))
    behind = [i for i in range(len(world.tracks.id)) if to_local(world.tracks.pose[0, i, :2], *ego[:3])[0] < 0.0]
    assert behind
    way = [np.hypot(*(one[-1] - one[0]).T) for one in (goes, stops)]
    assert max(way[0][i] - way[1][i] for i in behind) > 0.1  # m


def test_the_same_dream_twice(clips: Any) -> None:
    world = moment(clips, ONCOMING, 3.0)
    for driver in (RECORDED, EXPERT):
        first, second = (dream(world, DreamDriver(driver), "learned")[0] for _ in range(2))
        assert first == second
    assert "road users move as 'agents'" in first.notes[0]


def test_a_plan_is_announced_by_whoever_drives(clips: Any) -> None:
    """Recorded commands and the expert say what they will do; who says nothing is noted."""
    world = moment(clips, ONCOMING, 3.0)
    for driver in (RECORDED, EXPERT):
        notes = dream(world, DreamDriver(driver), "learned")[0].notes
        assert not any("no plan" in note for note in notes), driver
    episode = DreamEpisode(world, "learned")
    for _ in range(20):
        episode.step(0.0, 0.0)
    assert "at 10 of 10 moments the ego announced no plan" in " ".join(episode.notes)


def test_recorded_commands_announce_where_they_lead(clips: Any) -> None:
    world, heard = moment(clips, FOLLOWED, 3.0), []

    class Listening(DreamEpisode):
        def announce_commands(self, commands: FloatArray) -> None:
            super().announce_commands(commands)
            heard.append((self.time_s, self._users._plan))  # type: ignore[attr-defined]

    drive_recorded(world, Listening(world, "learned"), lambda: None)
    time_s, plan = heard[0]
    assert len(heard) == 30 and isinstance(plan, EgoPlan)
    for k in (10, 20, 40):
        then = world.tracks.ego[k]
        np.testing.assert_allclose(plan.at(np.array([time_s + 0.05 * k]))[0, :2], then[:2], atol=0.05)


def test_learned_ones_know_nothing_of_what_was_recorded_later(clips: Any) -> None:
    """Two windows with the same beginning: what comes after it in the record changes nothing."""
    long, short = moment(clips, FOLLOWED, 6.0), moment(clips, FOLLOWED, 2.0)
    both = [i for i, number in enumerate(long.tracks.id) if number in short.tracks.id and long.tracks.here[0, i]]
    first, second = places(long, None, 1.5), places(short, None, 1.5)
    rows = [int(np.flatnonzero(short.tracks.id == long.tracks.id[i])[0]) for i in both]
    np.testing.assert_array_equal(first[:, both], second[:, rows])


def test_a_model_that_answers_nonsense_ends_the_dream(clips: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = moment(clips, FOLLOWED, 2.0)
    episode = DreamEpisode(world, "learned")
    run = prediction_model.RoadUserModel.run
    monkeypatch.setattr(
        prediction_model.RoadUserModel, "run", lambda self, told: {n: v * np.nan for n, v in run(self, told).items()}
    )
    with pytest.raises(TakeadError, match=r"agents\.onnx: a prediction is not finite"):
        episode.step(0.0, 0.0)


def test_a_dream_from_the_very_start_of_a_drive_begins_where_it_did(clips: Any) -> None:
    """At first the chassis is where it is shown, not a physics step ahead: 0.3 m at 12 m/s."""
    world = read_world(clips[FOLLOWED[0]], at_s=0.0, seconds=4.0)
    assert world.ticks[0].world.ego.speed > 5.0
    assert dream(world, DreamDriver(RECORDED), "replay")[0].largest_difference_m < 0.02


def test_a_plan_goes_on_straight_beyond_its_end_and_turns_as_it_does() -> None:
    plan = EgoPlan(1.0, np.array([[0.0, 0.0, 3.1, 5.0], [-2.5, 0.0, -3.1, 5.0]]), 0.5)
    middle, beyond = plan.at(np.array([1.25, 2.5]))
    assert abs(abs(middle[2]) - math.pi) < 0.1  # the short way round
    assert math.hypot(*(beyond[:2] - (-2.5, 0.0))) == pytest.approx(5.0)
    states = np.array([[0.0, 0.0, 0.0, 4.0], [0.2, 0.0, 0.02, 4.0]])
    turning = going_on(states, 0.05, 0.0).at(np.array([1.0]))[0]
    assert turning[2] == pytest.approx(0.42) and turning[3] == 4.0 and turning[1] > 0.5
