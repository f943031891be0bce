"""Roads by meaning as MetaDrive builds them: pieces to blocks, places to the names of its nodes, its lanes to ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from takead_ros.domain.scene import FloatArray, LineKind
from takead_ros.maps.lanemap import POLYLINE_SPACING, SPACING, Lane
from takead_ros.maps.roads import (
    ARMS,
    Crossing,
    Curve,
    LaneDrop,
    Node,
    OffRamp,
    OnRamp,
    Piece,
    Roads,
    Roundabout,
    Straight,
    TJunction,
)

_ENTRY = {"start": ">", "entrance": ">>", "end": ">>>"}
_MOUTHS = {f"{arm}_{name}": f"{i}_{j}" for i, arm in enumerate(ARMS[:3]) for j, name in enumerate(("mouth", "end"))}
_RING = {
    f"{arm}_{name}": f"{i}_{j}" for i, arm in enumerate(ARMS) for j, name in enumerate(("join", "fork", "mouth", "end"))
}
# MetaDrive's letter for each piece, and the names of its nodes
_BLOCKS: dict[type, tuple[str, dict[str, str]]] = {
    Straight: ("S", {"end": "0_0"}),
    Curve: ("C", {"bent": "0_0", "end": "0_1"}),
    Crossing: ("X", _MOUTHS),
    TJunction: ("T", _MOUTHS),
    Roundabout: ("O", _RING),
    OnRamp: (
        "r",
        {
            "merge": "0_0",
            "merged": "0_1",
            "end": "0_2",
            "ramp_start": "1_0",
            "ramp_bend": "1_1",
            "ramp_slant": "1_2",
            "ramp_slanted": "1_3",
        },
    ),
    OffRamp: (
        "R",
        {
            "diverge": "0_0",
            "end": "0_1",
            "ramp_bent": "1_0",
            "ramp_slanted": "1_1",
            "ramp_straight": "1_2",
            "ramp_end": "1_3",
        },
    ),
    LaneDrop: ("y", {"dropped": "0_0", "end": "0_1", "middle": "1_1"}),
}
_PARAMETERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    Straight: lambda piece: {"length": piece.length},
    Curve: lambda piece: {
        "radius": piece.radius,
        "angle": piece.angle,
        "dir": int(not piece.left),
        "length": piece.run_out,
    },
    Crossing: lambda piece: {"change_lane_num": 0, "decrease_increase": 0},
    TJunction: lambda piece: {"change_lane_num": 0, "decrease_increase": 0, "t_type": ARMS.index(piece.closed)},
    Roundabout: lambda piece: {
        "exit_radius": piece.exit_radius,
        "inner_radius": piece.inner_radius,
        "angle": 60.0,
    },
    OnRamp: lambda piece: {"length": piece.length, "extension_length": piece.taper},
    OffRamp: lambda piece: {"length": piece.length, "extension_length": piece.taper},
    LaneDrop: lambda piece: {"length": piece.length, "lane_num": 1, "bottle_len": piece.wave, "solid_center_line": 1},
}


def map_config(roads: Roads) -> dict[str, Any]:
    """The road as a configuration of MetaDrive's PGMap."""
    blocks: list[dict[str, Any]] = [{}]
    socket = 0
    for piece in roads.pieces:
        letter, _ = _BLOCKS[type(piece)]
        blocks.append({"id": letter, "pre_block_socket_index": socket, **_PARAMETERS[type(piece)](piece)})
        socket = _socket(piece)
    return {
        "type": "pg_map_file",
        "config": blocks,
        "lane_num": roads.lanes,
        "lane_width": roads.lane_width,
        "exit_length": roads.entry,
        "start_position": list(roads.origin),
    }


def _socket(piece: Piece) -> int:
    """By which of its sockets MetaDrive leaves a block; a T junction does not count the arm that it has not."""
    if isinstance(piece, TJunction):
        leave, closed = ARMS.index(piece.leave), ARMS.index(piece.closed)
        return leave - int(leave > closed)
    return ARMS.index(piece.leave) if isinstance(piece, Crossing | Roundabout) else 0


def node_name(node: Node, roads: Roads) -> str:
    """MetaDrive's name of a place of ``roads``; a name stays as it is."""
    if isinstance(node, str):
        return node
    sign = "-" if node.against else ""
    if node.piece == 0:
        return f"{sign}{_ENTRY[node.name]}"
    letter, names = _BLOCKS[type(roads.pieces[node.piece - 1])]
    return f"{sign}{node.piece}{letter}{names[node.name]}_"


def read_network(network: Any, lanes_of_road: int) -> list[Lane]:
    """All lanes of a MetaDrive road network, whose roads have ``lanes_of_road`` per direction, in the order in which
    its blocks were built; their nodes have MetaDrive's names."""
    lanes = []
    for start, ends in network.graph.items():
        for end, group in ends.items():
            for index, lane in enumerate(group):
                width = float(lane.width_at(0))
                left, right = (_line_kind(str(kind)) for kind in lane.line_types)
                lanes.append(
                    Lane(
                        key=(start, end, index),
                        center=_sample(lane, SPACING, 0.0),
                        length=float(lane.length),
                        width=width,
                        # both directions name the centre line; one is enough
                        left=None if index == 0 and start.startswith("-") and len(group) == lanes_of_road else left,
                        # the other lanes' right line is their neighbour's left one
                        right=right if index == len(group) - 1 else None,
                        junction=_in_junction(start, end),
                        left_line=_sample(lane, POLYLINE_SPACING, width / 2.0),
                        right_line=_sample(lane, POLYLINE_SPACING, -width / 2.0),
                    )
                )
    return lanes


def _sample(lane: Any, spacing: float, lateral: float) -> FloatArray:
    """Points (P, 2) m along a MetaDrive lane; ``lateral`` m positive to the left (MetaDrive counts to the right)."""
    count = max(int(np.ceil(lane.length / spacing)), 1) + 1
    return np.array([tuple(lane.position(s, -lateral)) for s in np.linspace(0.0, lane.length, count)])


def _line_kind(line_type: str) -> LineKind | None:
    if "BOUNDARY" in line_type or "SIDEWALK" in line_type or "GUARDRAIL" in line_type:
        return LineKind.ROAD_EDGE
    if "BROKEN" in line_type:
        return LineKind.BOUNDARY_BROKEN
    return LineKind.BOUNDARY_SOLID if "SOLID" in line_type else None


def _in_junction(start: str, end: str) -> bool:
    """Whether an edge crosses a junction: it leaves an arm's entrance or reaches an arm's exit (MetaDrive's names)."""
    if re.match(r"-?\d+O", start) or re.match(r"\d+O", end):
        return bool(re.match(r"\d+O\d_[01]_$", start) or re.match(r"\d+O\d_0_$", end))
    return bool(re.match(r"-\d+[XT]\d_0_$", start) or re.match(r"\d+[XT]\d_0_$", end))
