"""What considerations add to the proposals: paths, speed caps, places to stop, each with its own cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from takead_ros.domain.driving import Cause
from takead_ros.expert.arrays import Caps
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.situation import Situation


class CauseNote(NamedTuple):
    """A cause that is written out only where it is the one of the choice: the actor in ``row``, what the ego does about
    it, and what it is (by default by the actor's own kind)."""

    row: int
    text: str
    kind: str = ""

    def cause(self, situation: Situation) -> Cause:
        return situation.about(self.row, self.text, self.kind)


class Rule(NamedTuple):
    """A cause that is a rule and no actor. ``slowing``: it only counts where the ego then drives more slowly."""

    written: Cause
    slowing: bool = False

    def cause(self, _situation: Situation) -> Cause:
        return self.written


@dataclass(frozen=True)
class Offer:
    """A path beside the route's own, to ``target`` m left of it.

    By default it keeps to that. With a ``span`` it is out there between these two places, m ahead of the ego's centre.
    pace: the share of the ego's speed that its shape is made for (less: it turns aside faster than is comfortable);
    favour: added to its scores; overtaken: row of the moving actor that it passes, -1 for none. ``foremost``: its
    reason counts even where the ego follows somebody along it.
    """

    kind: str
    object_id: int
    target: float
    reason: CauseNote
    span: tuple[float, float] | None = None
    pace: float = 1.0
    favour: float = 0.0
    overtaken: int = -1
    foremost: bool = False


class Wall(NamedTuple):
    """A place m ahead of the ego's centre where every proposal stops with its front."""

    along: float
    reason: Rule


@dataclass(frozen=True)
class Draft:
    """What the considerations have added so far.

    limit m/s: the speed wanted; aside m: where path 0 runs, left of the route; caps with a reason for each of their
    rows; ignored: rows of actors that no path needs to mind; closes_up: whether the ego drives up closer to what
    stands; reason: why all the proposals are as they are, whichever is chosen.
    """

    limit: float
    aside: float = 0.0
    offers: tuple[Offer, ...] = ()
    caps: tuple[Caps, ...] = ()
    cap_reasons: tuple[CauseNote | Rule, ...] = ()
    walls: tuple[Wall, ...] = ()
    ignored: tuple[int, ...] = ()
    closes_up: bool = False
    reason: CauseNote | None = None


def one_cap(begin: float, end: float, speed: float) -> Caps:
    """A cap of ``speed`` m/s between ``begin`` and ``end`` m, wherever a path lies."""
    rows = (np.array([value]) for value in (begin, end, speed, 0.0, 0.0, 0.0, 0.0, np.inf))
    return Caps(*rows)


Consideration = Callable[[Situation, Draft, ExpertParameters], Draft]
