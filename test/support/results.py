"""A result of an episode for tests of what is made of results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from takead_ros.runs.results import EpisodeResult

_PLAIN = EpisodeResult(
    suite="demo",
    scenario="cut_in",
    seed=0,
    ability="merging",
    threat=True,
    driving_score=60.0,
    success=False,
    success_rate=0.0,
    route_completion=1.0,
    penalty=0.6,
    infractions=(),
    takeovers=0,
    takeovers_per_km=0.0,
    expert_share=0.0,
    min_ttc=None,
    comfort=1.0,
    efficiency=None,
    duration=20.0,
    distance=200.0,
    mean_speed=10.0,
    end="goal",
    triggers=(),
    driver="assisted",
)


def episode_result(**changes: Any) -> EpisodeResult:
    """A plain one, with ``changes``."""
    return replace(_PLAIN, **changes)
