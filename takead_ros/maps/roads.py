"""Where a scenario's roads come from, and paths along their lanes, by meaning: pieces of road, arms, lanes.

A road is a first straight and pieces strung behind it. Its places have names, so that a path can be written down before
anybody builds the road: ``Place(3, "left_mouth")`` is where the left arm of the third piece leaves its junction. Frozen
values; nothing here knows a simulator. ``maps.build`` makes the lanes, each simulator what it needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Arm = Literal["right", "ahead", "left", "back"]  # of a junction, as seen by who comes along the route, from the back
ARMS: tuple[Arm, ...] = get_args(Arm)

CORNER = 10.0  # m, radius of the kerbs of a junction
ENTRANCE = 10.0  # m of the first straight before its place ``entrance``
RAMP_RADIUS = 80.0  # m, of the two bends by which a ramp swings to or from the road

RAMP_BEND = 10.0 * math.pi / 180.0 * RAMP_RADIUS  # m, length of one of them
RAMP_SLANT = 20.0  # m between the two
# m that both bends and the slant take along the road: 2 RADIUS sin(ANGLE) + SLANT cos(ANGLE), 2 mm short of it
RAMP_SWING = 47.478
RAMP_EXTRA = 10.0  # m of the road beside an on-ramp's straight part before that begins
RAMP_BEHIND = 15.0  # m of the road beyond the end of an off-ramp
RAMP_OUT = 20.0  # m of road behind the taper of an acceleration lane


@dataclass(frozen=True)
class Place:
    """A named place of a road's piece ``piece`` (0: the first straight), on the lanes of the route's direction, or on
    those ``against`` it. Each kind of piece says which places it has."""

    piece: int
    name: str
    against: bool = False

    def turned(self) -> Place:
        """The same place on the lanes of the other direction."""
        return Place(self.piece, self.name, not self.against)


Node = Place | str  # where lanes begin and end; a name where the map is another's
Key = tuple[Node, Node, int]  # of a lane: where it begins and ends, and its place on that edge (0: leftmost)


@dataclass(frozen=True)
class Straight:
    """``length`` m straight on. Places: end."""

    length: float


@dataclass(frozen=True)
class Curve:
    """A bend whose rightmost lane has ``radius`` m, by ``angle`` degrees, then ``run_out`` m. Places: bent, end."""

    radius: float
    angle: float
    left: bool
    run_out: float


@dataclass(frozen=True)
class Crossing:
    """A four-way junction that the road leaves by ``leave``. Places, for right, ahead, left: ARM_mouth, ARM_end."""

    leave: Arm


@dataclass(frozen=True)
class TJunction:
    """A crossing without its arm ``closed``. Places as there."""

    leave: Arm
    closed: Arm


@dataclass(frozen=True)
class Roundabout:
    """A roundabout with four arms; bends into and out of it have ``exit_radius`` m; the ring is a circle where
    ``inner_radius`` m is the same.

    Places, for each arm: ARM_join (where who comes from the arm before joins the ring), ARM_fork (where the way to the
    arm leaves it); and ARM_mouth, ARM_end but for the back.
    """

    leave: Arm
    exit_radius: float
    inner_radius: float


@dataclass(frozen=True)
class OnRamp:
    """A ramp that joins from the right: an acceleration lane of ``length`` m, then its taper.

    Places: merge and merged (the ends of the stretch with that lane), end; on the ramp ramp_start, ramp_bend,
    ramp_slant, ramp_slanted; taper, tapered.
    """

    length: float
    taper: float


@dataclass(frozen=True)
class OffRamp:
    """A deceleration lane of ``length`` m that opens over ``taper`` m on the right, then a ramp, which the route takes.

    Places: diverge (where the ramp begins), end (of the road); on the ramp ramp_bent, ramp_slanted, ramp_straight,
    ramp_end; taper, tapered.
    """

    length: float
    taper: float


@dataclass(frozen=True)
class LaneDrop:
    """The right lane swings into its neighbour over ``wave`` m; ``length`` m follow. Places: middle, dropped, end."""

    wave: float
    length: float


Piece = Straight | Curve | Crossing | TJunction | Roundabout | OnRamp | OffRamp | LaneDrop


@dataclass(frozen=True)
class Roads:
    """The map: two-way roads with ``lanes`` per direction, ``lane_width`` m; the first ``entry`` m are straight, with
    the places start, entrance and end.

    ``passable_centre``: the centre line may be crossed to pass (drawn broken). ``arm`` m: length of the arms of a
    junction or roundabout, and of a ramp's straight part. ``origin``: x m, y m in ``map`` where the road begins.
    """

    lanes: int
    lane_width: float
    entry: float
    pieces: tuple[Piece, ...]
    passable_centre: bool = False
    arm: float = 35.0
    origin: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class SafeMetaDriveMap:
    """Map ``index`` of MetaDrive's SafeMetaDriveEnv, with its own traffic, obstacles, physics and end of an episode."""

    index: int


@dataclass(frozen=True)
class OpenDriveMap:
    """The streets of a town, by the name of its OpenDRIVE map."""

    name: str


@dataclass(frozen=True)
class RecordedMap:
    """The streets that the scenes of a clip showed, by the clip's name."""

    name: str


@dataclass(frozen=True)
class LanePath:
    """A path along lane centres: nodes of the road network in order, and the lane (0: leftmost) on each edge.

    Where an edge's lane does not begin where the edge before ends, the path enters it on the lane that does, and passes
    over to its own from ``change_after`` m into the edge on.
    """

    nodes: tuple[Node, ...]
    lanes: tuple[int, ...]
    change_after: float = 0.0

    @staticmethod
    def along(nodes: tuple[Node, ...], lane: int) -> LanePath:
        return LanePath(nodes, (lane,) * (len(nodes) - 1))

    @property
    def keys(self) -> tuple[Key, ...]:
        """The lane of each edge."""
        return tuple(zip(self.nodes[:-1], self.nodes[1:], self.lanes, strict=True))


@dataclass(frozen=True)
class Street:
    """One lane of the map: its length m, width m, whether it lies in a junction, the lanes that follow on it, and the
    lane of the other direction beside it."""

    key: Key
    length: float
    width: float
    junction: bool
    following: tuple[Key, ...]
    opposite: Key | None


@dataclass(frozen=True)
class Ways:
    """The ways of others through the junction ``piece``, each from the far end of an arm to that of another.

    ``entrance``: the last two places of the road before it. ``ring``: it is a roundabout.
    """

    piece: int
    entrance: tuple[Place, Place]
    ring: bool = False

    def way(self, enter: Arm, leave: Arm) -> tuple[Node, ...]:
        """The nodes of the way from arm ``enter`` (not the back) to arm ``leave``."""
        inwards = (Place(self.piece, f"{enter}_end", True), Place(self.piece, f"{enter}_mouth", True))
        through = round_ring(self.piece, ARMS.index(enter) + 1, leave) if self.ring else ()
        before, entrance = self.entrance
        if leave == "back":
            return (*inwards, *through, entrance.turned(), before.turned())
        return (*inwards, *through, Place(self.piece, f"{leave}_mouth"), Place(self.piece, f"{leave}_end"))


def round_ring(piece: int, first: int, leave: Arm) -> tuple[Place, ...]:
    """Places on the ring of a roundabout from where one joins it before arm ``first`` (a place in ARMS, counted on
    round the ring) to where one leaves it for ``leave``."""
    last = ARMS.index(leave)
    while last < first:
        last += len(ARMS)
    arms = [ARMS[i % len(ARMS)] for i in range(first, last + 1)]
    return tuple(Place(piece, f"{arm}_{name}") for arm in arms for name in ("join", "fork"))
