"""Which takeovers a report shows: pure choices over evaluations, the same place on two drives, one drawn for real."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from support.results import episode_result
from takead_ros.measures.infractions import Infraction
from takead_ros.pictures import moments
from takead_ros.recording.clip_folders import list_clips
from takead_ros.recording.reader import frames
from takead_ros.resources import resource
from takead_ros.runs.progress import Silent
from takead_ros.runs.results import Evaluation, RunSettings, evaluation, pairs
from takead_ros.runs.workplace import Workplace

RESULT = episode_result(suite="deploy", scenario="deploy_town", driver="alone")


def hit(time: float, x: float, kind: str = "collision_vehicle") -> Infraction:
    return Infraction(kind, time, x, 0.0, x, 0.6)


def settings(count: int, sha256: str) -> RunSettings:
    return RunSettings(
        model_sha256=sha256,
        suite="deploy",
        families=("deploy_town",),
        seeds=tuple(range(count)),
        version="0",
        simulator="vector 1",
        parameters={},
    )


def alone(*episodes: tuple[float, tuple[Infraction, ...]], sha256: str = "ab" * 32) -> Evaluation:
    """A policy that drove by itself: Driving Score and infractions of each seed."""
    results = [
        replace(RESULT, seed=seed, driving_score=score, infractions=found)
        for seed, (score, found) in enumerate(episodes)
    ]
    return evaluation("m.onnx", settings(len(results), sha256), {"unassisted": results})


def test_where_both_drove_alone_an_early_infraction_that_the_new_one_avoids_is_shown() -> None:
    old = alone(
        (60.0, (hit(30.0, 100.0),)),  # the new one does it too, at the same place
        (60.0, (hit(40.0, 100.0),)),  # shown second: later
        (60.0, (hit(20.0, 100.0),)),  # shown first
        (60.0, (hit(2.0, 5.0),)),  # too early: nothing to see before it
        (60.0, ()),  # nothing wrong
        (60.0, (hit(10.0, 100.0, "blocked"),)),  # standing is shown last
        (60.0, (hit(25.0, 100.0),)),  # the new one drives no better
    )
    new = alone(
        (80.0, (hit(31.0, 104.0),)),
        (100.0, ()),
        (80.0, (hit(80.0, 500.0),)),
        (100.0, ()),
        (100.0, ()),
        (100.0, ()),
        (60.0, ()),
    )
    found = moments.choose(pairs(old, new))
    assert [choice.seed for choice in found] == [2, 1, 5]
    assert [choice.until_s for choice in found] == [one + moments.LATER_S for one in (20.0, 40.0, 10.0)]


def test_where_the_expert_was_ready_its_takeovers_are_shown() -> None:
    def driven(*triggers: tuple[str, ...]) -> Evaluation:
        results = [
            replace(RESULT, seed=seed, triggers=each, takeovers=len(each), driver="assisted")
            for seed, each in enumerate(triggers)
        ]
        return evaluation("m.onnx", settings(len(results), "ab" * 32), {"unassisted": results, "assisted": results})

    old = driven(("stuck",), (), ("collision_predicted",), ("collision_predicted",))
    new = driven((), (), ("stuck",), ())
    found = moments.choose(pairs(old, new))
    assert [choice.seed for choice in found] == [3, 0, 2]
    assert {choice.until_s for choice in found} == {None}


def test_nothing_is_shown_of_a_policy_that_did_nothing_wrong() -> None:
    faultless = alone((100.0, ()), (100.0, ()))
    assert moments.choose(pairs(faultless, faultless)) == []


def drive(places: list[tuple[float, float]]) -> list[Any]:
    """Frames at 10 Hz of an ego at ``places``."""
    return [
        SimpleNamespace(stamp=i * 100_000_000, world=SimpleNamespace(ego=SimpleNamespace(x=x, y=y)))
        for i, (x, y) in enumerate(places)
    ]


@given(st.integers(0, 40), st.floats(0.3, 3.0), st.floats(-3.0, 3.0))
def test_the_same_place_is_where_the_new_drive_comes_nearest(tick: int, pace: float, aside: float) -> None:
    old = drive([(float(i), 0.0) for i in range(41)])
    new = drive([(pace * i, aside) for i in range(200)])
    there = moments.same_place(old, new, tick * 100_000_000)
    assert there is not None
    reached = pace * there / 100_000_000
    assert abs(reached - tick) <= pace / 2 + 1e-9


def test_a_drive_that_never_comes_there_has_no_such_place() -> None:
    old, new = drive([(float(i), 0.0) for i in range(100)]), drive([(0.1 * i, 0.0) for i in range(100)])
    assert moments.same_place(old, new, 9_000_000_000) is None
    assert moments.same_place(old, [], 0) is None


@pytest.mark.slow
def test_takeovers_are_drawn_with_their_bags_and_drawn_once(tmp_path: Path) -> None:
    def of(name: str, score: float, found: tuple[Infraction, ...]) -> Evaluation:
        seed = 3_000_000
        episode = replace(RESULT, scenario="intersection_left", seed=seed, driving_score=score, infractions=found)
        given = replace(settings(1, name), suite="core", families=("intersection_left",), seeds=(seed,))
        path = str(resource(f"models/{name}.onnx"))
        return replace(evaluation(path, given, {"unassisted": [episode]}), suite="core")

    old, new = of("novice", 60.0, (hit(14.0, 60.0),)), of("baseline", 100.0, ())
    shown = moments.ensure(tmp_path, old, new, Workplace(1), Silent())
    assert [(moment.trigger, moment.gif) for moment in shown] == [("time_to_collision", "takeover-1.gif")]
    folder = tmp_path / moments.FOLDER
    with Image.open(folder / "takeover-1.gif") as picture:
        assert getattr(picture, "n_frames", 1) > 10
        assert math.isclose(picture.height / picture.width, 476 / 888, rel_tol=0.01)
    for who in ("before", "after"):
        (clip,) = list_clips(folder / who)
        assert sum(1 for _ in frames(clip)) > 100
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert moments.ensure(tmp_path, old, new, Workplace(1), Silent()) == shown
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == kept
