"""A recorded drive is measured as the drive itself was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from takead_ros.measures.driving_score import score_episode
from takead_ros.policy.model import load_model
from takead_ros.policy.shipped import model_path
from takead_ros.runs.episode import EpisodeSpec, drive_episode
from takead_ros.runs.recorded_drive import recorded_drive
from takead_ros.scenarios import build
from takead_ros.simulators.vector.simulator import Vector


@pytest.mark.parametrize(
    ("family", "seed", "takeovers"), [("cut_in", 1, True), ("red_light", 1, False), ("pedestrian_crossing", 3, False)]
)
def test_the_score_of_the_bag_is_that_of_the_drive(family: str, seed: int, takeovers: bool, tmp_path: Path) -> None:
    spec = EpisodeSpec(
        family, family, seed, str(model_path("novice")), takeovers, str(tmp_path), "all", simulator="vector"
    )
    episode = Vector().reset(build(family, seed))
    log, (clip,) = drive_episode(spec, "vector", episode, load_model(model_path("novice")), None)
    found = recorded_drive(clip, build(family, seed), episode.step_s)
    assert found.missing == 0
    assert found.log.end is log.end and abs(len(found.log.x) - len(log.x)) <= 1
    told, seen = score_episode(log, family), score_episode(found.log, family)
    assert seen.driving_score == pytest.approx(told.driving_score, abs=0.1)
    assert seen.takeovers == told.takeovers
    assert [one.kind for one in seen.infractions] == [one.kind for one in told.infractions]
    assert seen.route_completion == pytest.approx(told.route_completion, abs=1e-3)
    np.testing.assert_allclose(found.log.route_s[:50], log.route_s[:50], atol=0.02)
