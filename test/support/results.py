"""Results of episodes, a run's settings and a loop's state, for tests of what is made of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from takead_ros.runs.loop_state import LoopPlan, LoopState, Round
from takead_ros.runs.results import EpisodeResult, RunSettings

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


def run_settings(**changes: Any) -> RunSettings:
    """Those of one family's seeds 0 to 2 in MetaDrive, with ``changes``."""
    plain = RunSettings(
        model_sha256="ab" * 32,
        suite="demo",
        families=("cut_in",),
        seeds=(0, 1, 2),
        version="0",
        simulator="metadrive 0.4.3",
        parameters={},
    )
    return replace(plain, **changes)


def loop_round(number: int = 1, **changes: Any) -> Round:
    """A round that has its model and no decision yet, with ``changes``."""
    plain = Round(
        number=number,
        parent="m.onnx",
        parent_sha256="cd" * 32,
        clips=3,
        triggers={},
        model=f"round-{number}/training/model.onnx",
        model_sha256="ef" * 32,
    )
    return replace(plain, **changes)


def loop_state(*rounds: Round) -> LoopState:
    """The state of a loop that has driven ``rounds``."""
    return LoopState(
        format="takead-loop-1",
        plan=LoopPlan(suite="demo", demonstrations=1, drives=1, selection=1),
        trainer={},
        first_model="m.onnx",
        first_sha256="cd" * 32,
        version="0",
        rounds=rounds,
    )
