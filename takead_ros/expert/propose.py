"""The second stage: the paths worth trying, and what limits the motion along each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.compiled import IndexMatrix, Matrix
from takead_ros.expert.arrays import Caps, Encounters, Lines, Offers, PathRules, Stops
from takead_ros.expert.considerations.controls import consider_closed_line, consider_yield_line
from takead_ros.expert.considerations.crossing import yield_to_people, yield_to_vehicles
from takead_ros.expert.considerations.cyclists import consider_cyclists
from takead_ros.expert.considerations.emergency import consider_emergency
from takead_ros.expert.considerations.obstacles import consider_obstacles
from takead_ros.expert.considerations.occlusion import consider_occlusion
from takead_ros.expert.considerations.oncoming import consider_oncoming, yield_to_oncoming
from takead_ros.expert.draft import CauseNote, Consideration, Draft, Offer, Wall
from takead_ros.expert.forecast import HORIZON
from takead_ros.expert.kernels.limits import lay_paths
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.situation import Situation

# In this order: each sees what those before it have added.
CONSIDERATIONS: tuple[Consideration, ...] = (
    consider_closed_line,
    consider_obstacles,
    consider_cyclists,
    consider_emergency,
    consider_oncoming,
    consider_occlusion,
    consider_yield_line,
)
# What the yielding proposals wait for, once it is known who comes into the way of which path.
YIELDS = (yield_to_people, yield_to_vehicles, yield_to_oncoming)

_CLOSE_M = 2.3  # kept to a standing obstacle, so as to be out of the way of an oncoming vehicle
_NO_CAPS = Caps(*(np.zeros(0) for _ in Caps._fields))
_ROUTE = Offer("route", 0, 0.0, CauseNote(-1, ""))


@dataclass(frozen=True)
class Paths:
    """L paths and what limits the motion along them; path 0 is the route's own.

    offers (L,) that they come from; lines: their shapes; cap (L, G) m/s: the speed that needs no hard braking for what
    is ahead, why (L, G): what caps it there, a row of the draft's caps or one of ``kernels.limits``; met: leads and
    those who come into the way; stops: where proposals come to a stand, and ``wall`` what lets every one stop there.
    """

    draft: Draft
    offers: tuple[Offer, ...]
    lines: Lines
    cap: Matrix
    why: IndexMatrix
    met: Encounters
    stops: Stops
    wall: Wall | None

    @property
    def names(self) -> list[tuple[str, int]]:
        """What each path is, from tick to tick: its kind and the object that it is about."""
        return [(offer.kind, offer.object_id) for offer in self.offers]


def consider(situation: Situation, parameters: ExpertParameters) -> Draft:
    """What all considerations together call for."""
    draft = Draft(situation.limit)
    for consideration in CONSIDERATIONS:
        draft = consideration(situation, draft, parameters)
    return draft


def propose(situation: Situation, parameters: ExpertParameters) -> Paths:
    """The paths at ``situation``."""
    p, ego, actors = parameters, situation.ego, situation.actors
    draft = consider(situation, p)
    offers = (_ROUTE, *draft.offers)
    stoppable = 0.5 * ego.length + ego.speed**2 / (2.0 * 0.9 * p.max_deceleration_mps2)
    oncoming = situation.oncoming
    overtaken = np.array([offer.overtaken for offer in offers])
    rules = PathRules(
        p.max_lateral_acceleration_mps2,
        p.comfort_deceleration_mps2,
        stoppable,
        _CLOSE_M if draft.closes_up else p.blocker_gap_m,
        p.standstill_gap_m,
        situation.impatience,
    )
    lines, cap, why, met, gap = lay_paths(
        situation.grid,
        _arrays(offers, draft.aside, ego.speed),
        overtaken,
        _caps(draft),
        max(draft.limit, ego.speed),  # nobody brakes hard for a limit: the paces see to it
        situation.others,
        oncoming.against & (oncoming.limit > 0.0),
        actors.has_moved,
        HORIZON,
        ego,
        rules,
    )
    yields = [waits(situation, lines, met, stoppable) for waits in YIELDS]
    wall = min(draft.walls, key=lambda wall: wall.along, default=None)
    stops = Stops(gap, np.inf if wall is None else wall.along, np.minimum.reduce(yields))
    return Paths(draft, offers, lines, cap, why, met, stops, wall)


def _arrays(offers: tuple[Offer, ...], aside: float, speed: float) -> Offers:
    spans = [(0.0, 0.0) if offer.span is None else offer.span for offer in offers]
    return Offers(
        target=np.array([aside, *(offer.target for offer in offers[1:])]),
        full=np.array([full for full, _ in spans]),
        over=np.array([over for _, over in spans]),
        stays=np.array([offer.span is None for offer in offers]),
        speed=np.array([offer.pace * speed for offer in offers]),
    )


def _caps(draft: Draft) -> Caps:
    if not draft.caps:
        return _NO_CAPS
    return draft.caps[0] if len(draft.caps) == 1 else Caps(*map(np.concatenate, zip(*draft.caps, strict=True)))
