"""Where a scenario's roads come from, and paths along their lanes. Frozen values; nothing here knows the simulator.

Roads are MetaDrive's procedural blocks, named by the nodes that they will have there, so that a path can be written
down before the map exists.
"""

from __future__ import annotations

from dataclasses import dataclass

Key = tuple[str, str, int]  # of a lane: the nodes where it begins and ends, and its place on that edge (0: leftmost)

RAMP_RADIUS = 80.0  # m, of the two bends by which a ramp swings to or from the road
RAMP_BEND = 10.0 * 3.141592653589793 / 180.0 * RAMP_RADIUS  # m, length of one of them
RAMP_SLANT = 20.0  # m between the two
RAMP_SWING = 47.478  # m that both bends and the slant take along the road


@dataclass(frozen=True)
class Block:
    """A MetaDrive block: its letter, the socket of the block before that it is plugged into, its parameters."""

    letter: str
    socket: int
    parameters: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Roads:
    """The map: two-way roads with ``lanes`` per direction, ``lane_width`` m; the first ``entry`` m are straight.

    ``passable_centre``: the centre line may be crossed to pass (drawn broken). ``arm`` m: length of the arms of a
    junction or roundabout, and of a ramp's straight part. ``origin``: x m, y m in ``map`` where the road begins.
    """

    lanes: int
    lane_width: float
    entry: float
    blocks: tuple[Block, ...]
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
class LanePath:
    """A path along lane centres: the nodes of the road network in order, and the lane (0: leftmost) on each edge.

    Where an edge's lane does not begin where the edge before ends, the path enters it on the lane that does, and passes
    over to its own from ``change_after`` m into the edge on.
    """

    nodes: tuple[str, ...]
    lanes: tuple[int, ...]
    change_after: float = 0.0

    @staticmethod
    def along(nodes: tuple[str, ...], lane: int) -> LanePath:
        return LanePath(nodes, (lane,) * (len(nodes) - 1))


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


class RoadBuilder:
    """Strings blocks together and keeps the names of the nodes along the route."""

    def __init__(self, lanes: int, lane_width: float, entry: float, arm: float = 35.0) -> None:
        self.lanes, self.lane_width, self.entry, self.arm = lanes, lane_width, entry, arm
        self._lanes_at_start = lanes
        self.blocks: list[Block] = []
        self.nodes = [">", ">>", ">>>"]
        self.length = entry
        self._socket = 0

    def _add(self, letter: str, nodes: tuple[str, ...], metres: float, **parameters: float) -> int:
        self.blocks.append(Block(letter, self._socket, tuple(sorted(parameters.items()))))
        index = len(self.blocks)
        self.nodes.extend(f"{index}{letter}{node}_" for node in nodes)
        self._socket = 0
        self.length += metres
        return index

    def straight(self, length: float) -> RoadBuilder:
        self._add("S", ("0_0",), length, length=length)
        return self

    def curve(self, radius: float, angle: float, left: bool, run_out: float) -> RoadBuilder:
        """A bend of ``angle`` degrees whose rightmost lane has ``radius`` m, then ``run_out`` m straight."""
        length = radius * angle * 3.141592653589793 / 180.0 + run_out
        self._add("C", ("0_0", "0_1"), length, radius=radius, angle=angle, dir=0.0 if left else 1.0, length=run_out)
        return self

    def crossing(self, radius: float, turn: str) -> dict[str, tuple[str, ...]]:
        """A four-way junction that the route leaves by ``turn``: left, straight or right.

        Returns the nodes of a path into and out of the junction, to be used by others: ``oncoming`` straight on against
        the ego, ``from_left`` and ``from_right`` straight across.
        """
        arm = {"right": 0, "straight": 1, "left": 2}[turn]
        before, entrance = self.nodes[-2], self.nodes[-1]
        across = 2.0 * radius + (2 * self.lanes - 1) * self.lane_width
        index = self._add("X", (f"{arm}_0", f"{arm}_1"), across + self.arm, radius=radius, change_lane_num=0.0,
                          decrease_increase=0.0)  # fmt: skip
        self._socket = arm
        arms = [(f"{index}X{i}_0_", f"{index}X{i}_1_") for i in range(3)]
        return {
            "oncoming": (f"-{arms[1][1]}", f"-{arms[1][0]}", f"-{entrance}", f"-{before}"),
            "oncoming_to_left": (f"-{arms[1][1]}", f"-{arms[1][0]}", arms[0][0], arms[0][1]),
            "from_left": (f"-{arms[2][1]}", f"-{arms[2][0]}", arms[0][0], arms[0][1]),
            "from_right": (f"-{arms[0][1]}", f"-{arms[0][0]}", arms[2][0], arms[2][1]),
            "from_left_to_ahead": (f"-{arms[2][1]}", f"-{arms[2][0]}", arms[1][0], arms[1][1]),
        }

    def t_junction(self, radius: float, turn: str, closed: str) -> dict[str, tuple[str, ...]]:
        """A three-way junction, a crossing whose arm ``closed`` (right, straight or left) is missing, left by ``turn``.

        Returns paths of others as ``crossing`` does, those that exist.
        """
        names = ("right", "straight", "left")
        arm, missing = names.index(turn), names.index(closed)
        before, entrance = self.nodes[-2], self.nodes[-1]
        across = 2.0 * radius + (2 * self.lanes - 1) * self.lane_width
        index = self._add("T", (f"{arm}_0", f"{arm}_1"), across + self.arm, radius=radius, change_lane_num=0.0,
                          decrease_increase=0.0, t_type=float(missing))  # fmt: skip
        self._socket = arm - int(arm > missing)
        arms = [(f"{index}T{i}_0_", f"{index}T{i}_1_") for i in range(3)]
        came = (f"-{entrance}", f"-{before}")
        ends = {"right": (*arms[0],), "straight": (*arms[1],), "left": (*arms[2],)}
        ways: dict[str, tuple[str, ...]] = {}
        for name, start in (("oncoming", "straight"), ("from_right", "right"), ("from_left", "left")):
            if start == closed:
                continue
            enters = tuple(f"-{node}" for node in reversed(ends[start]))
            ways[f"{name}_to_us"] = (*enters, *came)
            ways.update({f"{name}_to_{end}": (*enters, *ends[end]) for end in names if end not in (start, closed)})
        return ways

    def roundabout(self, exit_radius: float, inner_radius: float, turn: str) -> dict[str, tuple[str, ...]]:
        """A roundabout with four arms that the route leaves by ``turn``: left, straight or right.

        Bends into and out of it have ``exit_radius`` m; the ring is a circle where ``inner_radius`` is the same.
        Returns nodes of paths of others, by the arms that they come from and leave by: ``left_to_right``,
        ``left_to_ahead`` and ``ahead_to_right`` drive past the ego's entrance, ``left_to_us`` and ``ahead_to_us`` leave
        the ring before it.
        """
        arm = {"right": 0, "straight": 1, "left": 2}[turn]
        before, entrance = self.nodes[-2], self.nodes[-1]
        index = len(self.blocks) + 1
        edge = (2 * self.lanes - 1) * self.lane_width

        def ring(first: int, last: int) -> list[str]:
            """Nodes on the ring from the entrance of part ``first`` to the exit of part ``last`` (right: part 0)."""
            nodes: list[str] = []
            for part in range(first, last + 1):
                nodes += [f"{part % 4}_0", f"{part % 4}_1"]
            return [*nodes, f"{last % 4}_2", f"{last % 4}_3"]

        sixty = 3.141592653589793 / 3.0
        metres = sixty * (2.0 * exit_radius + 0.5 * (arm + 1) * (inner_radius + edge) + arm * (exit_radius + edge))
        metres += self.arm
        self._add("O", tuple(ring(0, arm)), metres, exit_radius=exit_radius, inner_radius=inner_radius, angle=60.0)
        self._socket = arm

        def way(source: int, last: int) -> tuple[str, ...]:
            enter = (f"-{index}O{source}_3_", f"-{index}O{source}_2_")
            nodes = tuple(f"{index}O{node}_" for node in ring(source + 1, last))
            return enter + (nodes if last != 3 else (*nodes[:-2], f"-{entrance}", f"-{before}"))

        return {
            "left_to_right": way(2, 4), "left_to_ahead": way(2, 5), "ahead_to_right": way(1, 4),
            "left_to_us": way(2, 3), "ahead_to_us": way(1, 3),
        }  # fmt: skip

    def on_ramp(self, length: float, taper: float) -> tuple[LanePath, float]:
        """A ramp that joins from the right, with an acceleration lane of ``length`` m and then its taper.

        Returns the path up the ramp, onto the acceleration lane and from ``change_after`` m there on over to the right
        lane of the road, and its length (m) up to the acceleration lane.
        """
        straight = RAMP_SWING + self.arm + 10.0
        index = self._add("r", ("0_0", "0_1", "0_2"), straight + length + taper + 20.0, length=length,
                          extension_length=taper)  # fmt: skip
        nodes = tuple(f"{index}r{node}_" for node in ("1_0", "1_1", "1_2", "1_3", "0_0", "0_1", "0_2"))
        right = self.lanes - 1
        return LanePath(nodes, (0, 0, 0, 0, right, right)), self.arm + 2.0 * RAMP_BEND + RAMP_SLANT

    def off_ramp(self, length: float, taper: float) -> int:
        """A deceleration lane of ``length`` m that opens over ``taper`` m on the right, then a ramp that the route
        takes: on lane ``lanes`` of the first edge, then on lane 0. Returns the block's index."""
        metres = taper + length + 2.0 * RAMP_BEND + RAMP_SLANT + self.arm
        return self._add("R", ("0_0", "1_0", "1_1", "1_2", "1_3"), metres, length=length, extension_length=taper)

    def lane_drop(self, wave: float, length: float) -> int:
        """The right lane ends by swinging into its neighbour over ``wave`` m; ``length`` m of road follow.

        The route follows the ending lane; returns the block's index, for paths that keep straight on.
        """
        index = self._add("y", ("1_1", "0_0", "0_1"), wave + length, length=length, lane_num=1.0, bottle_len=wave,
                          solid_center_line=1.0)  # fmt: skip
        self.lanes -= 1
        return index

    def build(self, passable_centre: bool = False) -> Roads:
        return Roads(self._lanes_at_start, self.lane_width, self.entry, tuple(self.blocks), passable_centre, self.arm)

    def route(self, lane: int) -> LanePath:
        return LanePath.along(tuple(self.nodes), lane)

    def against(self, lane: int) -> LanePath:
        """The oncoming direction of the whole route (valid where the route goes straight through every junction)."""
        return LanePath.along(tuple(f"-{node}" for node in reversed(self.nodes)), lane)
