"""The observation encoding of the format ``vector-1``, used by training and on the vehicle: a scene as fixed-size
float32 arrays. A change of meaning here is another format with another name (``vector.py``).

Only what the vehicle could see is encoded. Everything is expressed in ``base_link`` or along the route, so nothing
depends on where the map's origin lies or how it is turned, nor on the order of objects. Values are divided by the
scales below, so that they are about 1. The ego's own acceleration and steering angle are left out on purpose: a clone
that sees them learns to repeat them (de Haan et al., Causal Confusion in Imitation Learning, 2019). What the columns
mean is written in ``kernels/encode.py``: one kernel fills a scene or a batch, with the same bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.compiled import prepare
from takead_ros.domain.scene import (
    EgoState,
    FloatArray,
    LineKind,
    ObjectKind,
    Objects,
    Polyline,
    Route,
    Scene,
    TrafficControl,
)
from takead_ros.policy.arrays import Controls, EgoFields, EncodedScenes, Guidance, ObjectColumns, Pieces, RouteFrame
from takead_ros.policy.kernels.encode import SPEED, cut, fill
from takead_ros.policy.route_frame import NotFiniteError, route_frame

Encoded = dict[str, NDArray[np.float32]]

OBJECTS, LINES, LINE_POINTS, PATH_POINTS, CONTROLS = 16, 32, 5, 16, 4
PIECE = 20.0  # m: longest piece of a polyline that becomes one token
LONGEST = 100_000.0  # m of a polyline; one field of a message could else ask for gigabytes of pieces
EGO_FEATURES, OBJECT_FEATURES, CONTROL_FEATURES = 13, 28, 12
EGO_SPEED_COLUMNS = (0, 12)  # of "ego": what says how fast the vehicle itself is
LINE_FLAGS = len(LineKind) + 5
LINE_FEATURES = 2 * LINE_POINTS + LINE_FLAGS
_LINE_KINDS = np.eye(len(LineKind), dtype=np.float32)


class LineCache:
    """Pieces of the map's polylines in ``map``, kept from one scene to the next.

    Holds one tuple of polylines and the pieces of each polyline seen in it; both are compared by identity, so that a
    new map with the same ids is never mistaken for the old one. Contents affect speed only, never a result.
    """

    def __init__(self) -> None:
        self._lines: tuple[Polyline, ...] = ()
        self._pieces: dict[int, tuple[Polyline, FloatArray, NDArray[np.float32]]] = {}
        self._all: tuple[FloatArray, NDArray[np.float32]] = _no_pieces()

    def pieces(self, lines: tuple[Polyline, ...]) -> tuple[FloatArray, NDArray[np.float32]]:
        """Points (S, LINE_POINTS, 2) m in ``map`` and flags (S, F) of every piece of ``lines``."""
        if lines is self._lines and lines:
            return self._all
        known, self._pieces = self._pieces, {}
        parts = []
        for line in lines:
            entry = known.get(id(line))
            if entry is None:
                entry = (line, *_cut(line))
            self._pieces[id(line)] = entry
            parts.append(entry)
        self._lines = lines
        if parts:
            flags = np.ascontiguousarray(np.concatenate([p[2] for p in parts]))
            self._all = np.concatenate([p[1] for p in parts]), flags
        else:
            self._all = _no_pieces()
        return self._all


def _no_pieces() -> tuple[FloatArray, NDArray[np.float32]]:
    return np.zeros((0, LINE_POINTS, 2)), np.zeros((0, LINE_FLAGS), np.float32)


def _cut(line: Polyline) -> tuple[FloatArray, NDArray[np.float32]]:
    """A polyline as pieces of at most PIECE m, LINE_POINTS evenly spaced points each, and their common flags."""
    points = np.array(line.points, dtype=float)
    if len(points) < 2:
        return _no_pieces()
    if not np.isfinite(points.sum()):
        raise NotFiniteError(f"polyline {line.id} holds a value that is not finite")
    with np.errstate(over="ignore"):
        length = np.hypot(*np.diff(points, axis=0).T).sum()
    if length > LONGEST:
        raise ValueError(f"polyline {line.id} is {length:.3g} m long, expected at most {LONGEST:.0f}")
    pieces = cut(points, PIECE, LINE_POINTS)
    limit, width = line.speed_limit, line.width
    flags = np.array(
        [
            *_LINE_KINDS[line.kind],
            line.on_route,
            limit is not None,
            (limit or 0.0) / SPEED,
            width is not None,
            (width or 0.0) / 5.0,
        ],
        dtype=np.float32,
    )
    return pieces, np.broadcast_to(flags, (len(pieces), len(flags)))


_SHAPES: tuple[tuple[int, ...], ...] = (
    (EGO_FEATURES,),
    (PATH_POINTS * 3,),
    (3 * 9,),
    (OBJECTS, OBJECT_FEATURES),
    (OBJECTS,),
    (LINES, LINE_FEATURES),
    (LINES,),
    (CONTROLS, CONTROL_FEATURES),
    (CONTROLS,),
)


def empty_batch(count: int) -> EncodedScenes:
    """Room for ``count`` encoded scenes, not yet written to."""
    return EncodedScenes(*(np.empty((count, *shape), np.float32) for shape in _SHAPES))


def encode(scene: Scene, cache: LineCache | None = None, frame: RouteFrame | None = None) -> Encoded:
    """The scene as the arrays that the format ``vector-1`` names, float32, without a batch axis.

    ``frame`` is ``route_frame(scene)`` where the caller has it already. Masks are 1 where a row holds something.
    Raises ValueError where the scene has no usable route or a polyline longer than LONGEST, NotFiniteError where it
    holds a value that is not finite.
    """
    batch = empty_batch(1)
    encode_into(batch, 0, scene, cache, frame)
    return {name: values[0] for name, values in batch._asdict().items()}


def encode_into(
    batch: EncodedScenes, row: int, scene: Scene, cache: LineCache | None = None, frame: RouteFrame | None = None
) -> None:
    """Encode the scene into row ``row`` of ``batch``; see ``encode``."""
    prepare()
    frame = frame if frame is not None else route_frame(scene)
    points, flags = (cache or LineCache()).pieces(scene.polylines)
    pieces = Pieces(points, flags, np.arange(len(points)))
    bad = fill(
        row,
        _body(scene.ego),
        _guidance(scene.route),
        frame,
        _others(scene.objects),
        pieces,
        _controls(scene.controls),
        batch,
    )
    if bad >= 0:
        raise NotFiniteError(f"scene has a value that is not finite (in encoded '{EncodedScenes._fields[bad]}')")


def _body(ego: EgoState) -> EgoFields:
    return EgoFields(*(float(getattr(ego, name)) for name in EgoFields._fields))


def _guidance(route: Route) -> Guidance:
    limit = np.nan if route.speed_limit is None else float(route.speed_limit)
    return Guidance(
        np.array(route.targets, dtype=float), np.array(route.commands, dtype=np.int64), float(route.remaining), limit
    )


def _others(objects: Objects) -> ObjectColumns:
    kinds = np.array(objects.kind, dtype=np.int64)
    if len(kinds) and not 0 <= kinds.min() <= kinds.max() < len(ObjectKind):
        raise ValueError(f"objects.kind holds {kinds.tolist()}; 0 to {len(ObjectKind) - 1} are known")
    columns = (np.array(getattr(objects, name), dtype=float) for name in ObjectColumns._fields[2:])
    return ObjectColumns(np.array(objects.id, dtype=np.int64), kinds, *columns)


def _controls(controls: tuple[TrafficControl, ...]) -> Controls:
    seen = [control for control in controls if control.visible]
    names = np.array([(c.id, c.kind, c.state) for c in seen], dtype=np.int64).reshape(-1, 3)
    places = np.array([(c.x, c.y, c.distance) for c in seen], dtype=float).reshape(-1, 3)
    return Controls(*names.T.copy(), *places.T.copy())
