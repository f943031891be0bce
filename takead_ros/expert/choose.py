"""The fourth stage: score the proposals, take the best, and say what it acts on.

The scores are in the spirit of NAVSIM's PDM score: gates (collision, road, rules) times weighted terms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from takead_ros.compiled import Indices, Vector
from takead_ros.domain.driving import Cause
from takead_ros.expert.arrays import Band, Minding, PathLayout
from takead_ros.expert.forecast import HORIZON
from takead_ros.expert.kernels.attention import score as score_proposals
from takead_ros.expert.kernels.limits import BEND
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.propose import Paths
from takead_ros.expert.roll import PACES, Rollouts
from takead_ros.expert.situation import Situation

_NO_BAND = Band(np.zeros(0), np.zeros(0))
_AT_WALL_M = 8.0  # before a wall at the end of the horizon: the proposal stops for it
_SLOWS_MPS = 0.5
_CAPS_STEP = 16  # of the roll-out, 5 s: caps up to where the ego is by then may be the cause


@dataclass(frozen=True)
class Choice:
    """The proposal ``best`` among those with scores ``total`` (K,), what it acts on, and the memory after it."""

    best: int
    total: Vector
    cause: Cause
    memory: Memory


def choose(situation: Situation, paths: Paths, rollouts: Rollouts, parameters: ExpertParameters) -> Choice:
    """The best proposal; what was chosen last has a small advantage."""
    p, names, last = parameters, paths.names, situation.memory
    total, worst = score_all(situation, paths, rollouts, p)
    kept = [
        p.hysteresis * (name == last.choice) + offer.favour for name, offer in zip(names, paths.offers, strict=True)
    ]
    same_pace = [p.hysteresis * (name == last.pace) for name in PACES]
    total = total + np.array([favour + pace for favour in kept for pace in same_pace])
    best = int(total.argmax())
    memory = replace(last, choice=names[rollouts.path[best]], pace=PACES[rollouts.pace[best]])
    return Choice(best, total, explain(situation, paths, rollouts, worst, best), memory)


def score_all(
    situation: Situation, paths: Paths, rollouts: Rollouts, parameters: ExpertParameters
) -> tuple[Vector, Indices]:
    """(score (K,) of each proposal, row (K,) of the actor that spoils it most or -1)."""
    p, grid = parameters, situation.grid
    hurry = 1.0 - 0.5 * situation.impatience
    passing = np.array(paths.draft.ignored, dtype=np.int64)
    minding = Minding(passing, situation.impatience > 0.0, hurry * p.crossing_margin_s, hurry * p.merging_margin_s)
    target = np.array([offer.target for offer in paths.offers])
    band = situation.band if len(target) > 1 else _NO_BAND  # the route itself is meant to be driven
    return score_proposals(
        rollouts.driven,
        situation.others,
        paths.met.merges,
        minding,
        situation.lanes,
        grid.offset,
        HORIZON,
        PathLayout(paths.lines.offset, target, band, grid.behind),
        paths.stops,
        p.max_deceleration_mps2,
        situation.ego,
    )


def explain(situation: Situation, paths: Paths, rollouts: Rollouts, worst: Indices, best: int) -> Cause:
    """The cause of proposal ``best``, as it is stated by what decided it: the first of these.

    The conflict that the full pace would have on this path; the wall that it stops at; what all proposals make room
    for; the reason of the path, if that comes first; the lead that it follows; the path's reason; the caps ahead.
    """
    path, pace, driven = int(rollouts.path[best]), int(rollouts.pace[best]), rollouts.driven
    avoided = int(worst[path * len(PACES)])
    if pace > 0 and avoided >= 0:
        return situation.about(avoided, f"{PACES[pace]} for")
    if paths.wall is not None and 0.0 < paths.wall.along - driven.along[best, -1] < _AT_WALL_M:
        return paths.wall.reason.cause(situation)
    if paths.draft.reason is not None:
        return paths.draft.reason.cause(situation)
    offer = paths.offers[path]
    if offer.foremost:
        return offer.reason.cause(situation)
    lead = int(driven.lead[best])
    if lead >= 0:
        moves = situation.actors.speed[lead] > 0.5
        kind = "lead" if moves and not situation.actors.person[lead] else ""
        return situation.about(lead, "follows" if moves else "stops behind", kind)
    if path > 0:
        return offer.reason.cause(situation)
    return _cap_cause(situation, paths, rollouts, best)


def _cap_cause(situation: Situation, paths: Paths, rollouts: Rollouts, best: int) -> Cause:
    """The first cap ahead that comes from something; a bend only where the ego slows down for it."""
    driven = rollouts.driven
    slows = driven.speed[best, -1] < driven.speed[best, 0] - _SLOWS_MPS or driven.speed[best, 8] < 1.0
    reach = int(np.clip(np.ceil(driven.along[best, _CAPS_STEP]), 1, paths.why.shape[1]))
    for why in paths.why[rollouts.path[best], :reach]:
        if why >= 0:
            return paths.draft.cap_reasons[int(why)].cause(situation)
        if why == BEND and slows:
            return Cause("curve", 0, True, "slows for a bend")
    return Cause("route", 0, True, "follows the route")
