"""Lanes of this project's maps as an OpenDRIVE text: one road a lane, so that CARLA's client can read them.

Neighbouring lanes are roads of their own: nobody is offered to change from one to the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

import numpy as np

from takead_ros.domain.scene import FloatArray, LineKind
from takead_ros.maps.lanemap import Lane, LaneMap
from takead_ros.maps.roads import Key

_MARKS = {LineKind.BOUNDARY_BROKEN: "broken", LineKind.BOUNDARY_SOLID: "solid", LineKind.ROAD_EDGE: "curb"}
SAME_BORDER = 1.2  # m between points of two lanes' borders, 2 m apart along each, that are one line
_GEO = "+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +vunits=m +no_defs"


@dataclass(frozen=True)
class RoadSignal:
    """A signal beside a lane, ``s`` m along it: OpenDRIVE type and value (km/h), and whether it changes."""

    lane: Key
    s: float
    kind: str
    value: float = -1.0
    dynamic: bool = False


def opendrive(name: str, lane_map: LaneMap, signals: Sequence[RoadSignal]) -> str:
    """The text. A signal's id is its place among ``signals`` plus 1."""
    lanes = [lane for lane in lane_map.lanes.values() if len(lane.center) > 1]
    numbers = {lane.key: i + 1 for i, lane in enumerate(lanes)}
    after = {lane.key: [key for key in lane_map.successors(lane.key) if key in numbers] for lane in lanes}
    before: dict[Key, list[Key]] = {lane.key: [] for lane in lanes}
    for key, following in after.items():
        for other in following:
            before[other].append(key)
    inside = _connecting(lanes, after, before)
    junction = _junctions(inside, after, before, len(lanes) + 1)
    by_lane: dict[Key, list[str]] = {}
    for number, signal in enumerate(signals):
        by_lane.setdefault(signal.lane, []).append(_signal(number + 1, signal, lane_map.lanes[signal.lane].width))
    roads = "".join(
        _road(lane, _marks(lane, lanes), numbers, after, before, junction, by_lane.get(lane.key, [])) for lane in lanes
    )
    joined = "".join(
        _junction(number, [key for key in inside if junction[key] == number], numbers, before)
        for number in sorted(set(junction.values()))
    )
    return (
        f'<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="4" name={quoteattr(name)} version="1.00">'
        f"<geoReference><![CDATA[{_GEO}]]></geoReference></header>{roads}{joined}</OpenDRIVE>"
    )


def _connecting(lanes: Iterable[Lane], after: dict[Key, list[Key]], before: dict[Key, list[Key]]) -> list[Key]:
    """The lanes that are to lie in a junction: those that do, and those at which ways part or come together."""
    return [
        lane.key
        for lane in lanes
        if lane.junction
        or any(len(after[key]) > 1 for key in before[lane.key])
        or any(len(before[key]) > 1 and len(after[lane.key]) == 1 for key in after[lane.key])
    ]


def _junctions(
    inside: list[Key], after: dict[Key, list[Key]], before: dict[Key, list[Key]], first: int
) -> dict[Key, int]:
    """The number of each such lane's junction: lanes that begin or end at a common lane are in the same one."""
    found: dict[Key, int] = {}
    members = set(inside)
    for key in inside:
        if key in found:
            continue
        found[key] = first
        reached = [key]
        while reached:
            here = reached.pop()
            around = [other for way in before[here] for other in after[way]]
            around += [other for way in after[here] for other in before[way]]
            for other in {*around, *before[here], *after[here]} & members - set(found):
                found[other] = first
                reached.append(other)
        first += 1
    return found


def _link(keys: list[Key], own: int | None, junction: dict[Key, int], numbers: dict[Key, int], side: str) -> str:
    tag, contact = ("predecessor", "end") if side == "before" else ("successor", "start")
    outside = [key for key in keys if key not in junction]
    if len(keys) == 1 and (outside or own is not None):
        return f'<{tag} elementType="road" elementId="{numbers[keys[0]]}" contactPoint="{contact}"/>'
    if keys and own is None:
        return f'<{tag} elementType="junction" elementId="{junction.get(keys[0], -1)}"/>'
    if keys:
        return f'<{tag} elementType="road" elementId="{numbers[keys[0]]}" contactPoint="{contact}"/>'
    return ""


def _marks(lane: Lane, lanes: Sequence[Lane]) -> tuple[LineKind | None, LineKind | None]:
    """What marks its left and its right border, the neighbour's line too: a border without a mark is a road's edge."""

    def marked(kind: LineKind | None, line: FloatArray) -> LineKind | None:
        if kind is not None or lane.junction or not len(line):
            return kind
        place = line[len(line) // 2]
        return next(
            (
                own
                for other in lanes
                if other is not lane
                for own, points in ((other.left, other.left_line), (other.right, other.right_line))
                if own is not None and len(points) and np.hypot(*(points - place).T).min() < SAME_BORDER
            ),
            None,
        )

    return marked(lane.left, lane.left_line), marked(lane.right, lane.right_line)


def _road(
    lane: Lane,
    marks: tuple[LineKind | None, LineKind | None],
    numbers: dict[Key, int],
    after: dict[Key, list[Key]],
    before: dict[Key, list[Key]],
    junction: dict[Key, int],
    signals: list[str],
) -> str:
    steps = np.diff(lane.center, axis=0)
    lengths = np.hypot(*steps.T)
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    shape = "".join(
        f'<geometry s="{s:.6f}" x="{x:.6f}" y="{y:.6f}" hdg="{math.atan2(dy, dx):.9f}" length="{length:.6f}"><line/>'
        "</geometry>"
        for s, (x, y), (dx, dy), length in zip(starts[:-1], lane.center[:-1], steps, lengths, strict=True)
    )
    own = junction.get(lane.key)
    links = _link(before[lane.key], own, junction, numbers, "before") + _link(
        after[lane.key], own, junction, numbers, "after"
    )
    inner = ('<predecessor id="-1"/>' if before[lane.key] else "") + ('<successor id="-1"/>' if after[lane.key] else "")
    mark = '<roadMark sOffset="0" type="{}" weight="standard" color="white" width="0.15"/>'
    left, right = (mark.format(_MARKS.get(kind, "none") if kind is not None else "none") for kind in marks)
    told = f"<signals>{''.join(signals)}</signals>" if signals else ""
    half, width = f"{lane.width / 2.0:.4f}", f"{lane.width:.4f}"
    middle = f'<center><lane id="0" type="none" level="false">{left}</lane></center>'
    driven = (
        f'<right><lane id="-1" type="driving" level="false"><link>{inner}</link>'
        f'<width sOffset="0" a="{width}" b="0" c="0" d="0"/>{right}</lane></right>'
    )
    return (
        f'<road name="" length="{starts[-1]:.6f}" id="{numbers[lane.key]}" junction="{own if own is not None else -1}">'
        f'<link>{links}</link><planView>{shape}</planView><lanes><laneOffset s="0" a="{half}" b="0" c="0" d="0"/>'
        f'<laneSection s="0">{middle}{driven}</laneSection></lanes>{told}</road>'
    )


def _junction(number: int, inside: list[Key], numbers: dict[Key, int], before: dict[Key, list[Key]]) -> str:
    ways = [(way, key) for key in inside for way in before[key]]
    return (
        f'<junction id="{number}" name="">'
        + "".join(
            f'<connection id="{i}" incomingRoad="{numbers[way]}" connectingRoad="{numbers[key]}" contactPoint="start">'
            '<laneLink from="-1" to="-1"/></connection>'
            for i, (way, key) in enumerate(ways)
        )
        + "</junction>"
    )


def _signal(number: int, signal: RoadSignal, width: float) -> str:
    return (
        f'<signal name="" id="{number}" s="{signal.s:.3f}" t="{-width / 2.0 - 1.0:.3f}" zOffset="0" hOffset="0" '
        f'orientation="+" dynamic="{"yes" if signal.dynamic else "no"}" country="OpenDRIVE" type="{signal.kind}" '
        f'subtype="-1" value="{signal.value:.1f}" unit="km/h"><validity fromLane="-1" toLane="-1"/></signal>'
    )
