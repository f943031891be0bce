"""The lanes of a road, from its description alone: centre lines, borders, what marks them, junctions.

Pieces are built one behind the other, each at the end of the one before. Lanes, their order and their markings are
those of MetaDrive's blocks (component/pgblock of version 0.4.3, Apache-2.0), which this follows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from takead_ros.maps.junction_pieces import build_crossing, build_roundabout, build_t_junction
from takead_ros.maps.lanemap import Lane
from takead_ros.maps.road_network import Network
from takead_ros.maps.roads import Crossing, Curve, LaneDrop, OffRamp, OnRamp, Roads, Roundabout, Straight, TJunction
from takead_ros.maps.street_pieces import (
    build_curve,
    build_entry,
    build_lane_drop,
    build_off_ramp,
    build_on_ramp,
    build_straight,
)

BUILDERS: dict[type, Callable[[Network, int, Any], None]] = {
    Straight: build_straight,
    Curve: build_curve,
    Crossing: build_crossing,
    TJunction: build_t_junction,
    Roundabout: build_roundabout,
    OnRamp: build_on_ramp,
    OffRamp: build_off_ramp,
    LaneDrop: build_lane_drop,
}


def build_lanes(roads: Roads) -> list[Lane]:
    """All lanes of the road, in the order in which its pieces were strung together."""
    network = Network(roads)
    build_entry(network)
    for index, piece in enumerate(roads.pieces, 1):
        BUILDERS[type(piece)](network, index, piece)
    return network.lanes()
