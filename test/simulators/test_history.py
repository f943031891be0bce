"""An episode does not remember the ones before it, to the last digit."""

from __future__ import annotations

import pytest

pytest.importorskip("metadrive", reason="the sim extra is not installed")

from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec

pytestmark = pytest.mark.slow


def test_what_was_driven_before_does_not_show() -> None:
    """These two tell: with one physics world for both, the second ended 2 cm further on."""
    before, after = (EpisodeSpec("core", "opened_door", seed, EXPERT, False) for seed in (7, 8))
    runner = EpisodeRunner()
    first = runner.run(after)
    runner.run(before)
    again = runner.run(after)
    runner.close()
    assert again == first
