"""Driving Score, Success Rate and their company by the definitions of CARLA Leaderboard 2.0 and Bench2Drive v0.0.3.

Re-implemented from the definitions as a pure function: one log in, one score out. ``summary`` sums scores up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from takead_ros.domain.driving import EventKind, Source
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.measures.infractions import Infraction, find_infractions
from takead_ros.measures.ride_quality import comfort, efficiency, min_time_to_collision, post_encroachment_time

SUCCESS_COMPLETION = 0.999


@dataclass(frozen=True)
class EpisodeScore:
    """One scored episode.

    driving_score 0..100; success: goal reached in time without an infraction (success_rate: the same as 0 or 1);
    route_completion 0..1; penalty 0..1: product of the infractions' factors; takeovers: how
    often another took the wheel from the policy (once more where a handback is rolled back); expert_share 0..1 of the
    ticks on which anyone but the policy drove an axis; min_ttc s (None: never within 3 s); comfort 0..1; efficiency %
    (None: no traffic); duration s; distance m; mean_speed m/s; end: why it ended; post_encroachment_time s (None: no
    paths crossed within 5 s, or not known).
    """

    suite: str
    scenario: str
    seed: int
    ability: str
    threat: bool
    driving_score: float
    success: bool
    success_rate: float
    route_completion: float
    penalty: float
    infractions: tuple[Infraction, ...]
    takeovers: int
    takeovers_per_km: float
    expert_share: float
    min_ttc: float | None
    comfort: float
    efficiency: float | None
    duration: float
    distance: float
    mean_speed: float
    end: str
    post_encroachment_time: float | None = None


def score_episode(log: EpisodeLog, suite: str = "") -> EpisodeScore:
    """Scores one episode. An episode that still runs is scored as far as it has come."""
    infractions = tuple(find_infractions(log))
    completion = 1.0 if log.end is End.GOAL else float(np.clip(log.route_s.max() / log.route_length, 0.0, 1.0))
    penalty = math.prod(infraction.factor for infraction in infractions)
    distance = float(np.hypot(np.diff(log.x), np.diff(log.y)).sum())
    takeovers = sum(event.kind is EventKind.START for event in log.events)
    others = [any(source not in (Source.POLICY, Source.NONE) for source in pair) for pair in log.sources]
    ttc, encroachment = min_time_to_collision(log), post_encroachment_time(log)
    success = log.end is End.GOAL and completion >= SUCCESS_COMPLETION and not infractions
    return EpisodeScore(
        suite=suite,
        scenario=log.family,
        seed=log.seed,
        ability=log.ability,
        threat=log.threat,
        driving_score=100.0 * completion * penalty,
        success=success,
        success_rate=float(success),
        route_completion=completion,
        penalty=penalty,
        infractions=infractions,
        takeovers=takeovers,
        takeovers_per_km=takeovers / max(distance / 1000.0, 1e-3),
        expert_share=float(np.mean(others)) if others else 0.0,
        min_ttc=ttc if math.isfinite(ttc) else None,
        comfort=comfort(log),
        efficiency=efficiency(log),
        duration=log.duration,
        distance=distance,
        mean_speed=distance / max(log.duration, log.step_s),
        end=log.end.value,
        post_encroachment_time=encroachment if math.isfinite(encroachment) else None,
    )
