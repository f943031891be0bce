"""Scenes and episodes as messages, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, is_
from typing import Any, Generic, TypeVar

import numpy as np

from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import (
    ControlKind,
    EgoState,
    LightState,
    LineKind,
    Objects,
    Polyline,
    Route,
    RouteCommand,
    Scene,
    TrafficControl,
)
from takead_ros.messages import types
from takead_ros.messages.encoder import StaticSequence
from takead_ros.messages.fields import (
    by_number,
    float32,
    float32_sequence,
    header_to_msg,
    member,
    optional_from_msg,
    optional_to_msg,
    points,
    read_once,
    stamp_from_msg,
)

MAP = "map"

A = TypeVar("A")
B = TypeVar("B")

_LINES, _LIGHTS, _CONTROLS, _COMMANDS = (
    by_number(LineKind),
    by_number(LightState),
    by_number(ControlKind),
    by_number(RouteCommand),
)

_EGO_REST = (
    "speed",
    "lateral_speed",
    "yaw_rate",
    "acceleration",
    "lateral_acceleration",
    "steering_angle",
    "length",
    "width",
    "wheelbase",
    "max_steering_angle",
)
_ego_rest = attrgetter(*_EGO_REST)
_object_row = attrgetter("x", "y", "yaw", "vx", "vy", "length", "width", "visibility")
_object_identity = attrgetter("id", "kind")


def ego_to_msg(ego: EgoState) -> Any:
    rest = map(float32, _ego_rest(ego))
    return types.EgoState(x=float(ego.x), y=float(ego.y), yaw=float(ego.yaw), **dict(zip(_EGO_REST, rest, strict=True)))


@read_once
def ego_from_msg(msg: Any) -> EgoState:
    return EgoState(msg.x, msg.y, msg.yaw, *_ego_rest(msg))


def objects_to_msg(objects: Objects) -> list[Any]:
    """One TrackedObject for each row."""
    new = types.TrackedObject
    whole = (objects.id.tolist(), objects.kind.tolist())
    wide = (objects.x.tolist(), objects.y.tolist())
    narrow = np.array(
        (objects.yaw, objects.vx, objects.vy, objects.length, objects.width, objects.visibility), dtype=np.float32
    ).tolist()
    return [
        new(id=id_, kind=kind, x=x, y=y, yaw=yaw, vx=vx, vy=vy, length=length, width=width, visibility=visibility)
        for id_, kind, x, y, yaw, vx, vy, length, width, visibility in zip(*whole, *wide, *narrow, strict=True)
    ]


@read_once
def objects_from_msg(msgs: Any) -> Objects:
    """Parallel arrays (N,) of a sequence of N TrackedObjects."""
    if not msgs:
        return Objects.empty()
    identity = np.array([_object_identity(msg) for msg in msgs], dtype=np.int64).T.copy()
    rows = np.array([_object_row(msg) for msg in msgs], dtype=np.float64).T.copy()
    return Objects(identity[0], identity[1], *rows)


def polyline_to_msg(line: Polyline) -> Any:
    return types.Polyline(
        id=int(line.id),
        kind=int(line.kind),
        on_route=bool(line.on_route),
        speed_limit=optional_to_msg(line.speed_limit),
        width=optional_to_msg(line.width),
        x=float32_sequence(line.points[:, 0]),
        y=float32_sequence(line.points[:, 1]),
    )


def polyline_from_msg(msg: Any) -> Polyline:
    return Polyline(
        msg.id,
        member(_LINES, msg.kind, "Polyline.kind"),
        points(msg.x, msg.y, "Polyline"),
        msg.on_route,
        optional_from_msg(msg.speed_limit),
        optional_from_msg(msg.width),
    )


def route_to_msg(route: Route) -> Any:
    targets = np.asarray(route.targets, dtype=np.float32)
    if targets.shape != (3, 2) or len(route.commands) != 3:
        raise TakeadError(
            f"Route.targets has shape {targets.shape} and {len(route.commands)} commands, expected (3, 2) and 3"
        )
    return types.Route(
        x=float32_sequence(route.path[:, 0]),
        y=float32_sequence(route.path[:, 1]),
        target_x=np.ascontiguousarray(targets[:, 0]),
        target_y=np.ascontiguousarray(targets[:, 1]),
        target_command=np.array(route.commands, dtype=np.uint8),
        lateral_offset=float32(route.lateral_offset),
        heading_error=float32(route.heading_error),
        remaining=float32(route.remaining),
        completion=float32(route.completion),
        speed_limit=optional_to_msg(route.speed_limit),
    )


@read_once
def route_from_msg(msg: Any) -> Route:
    first, second, third = (member(_COMMANDS, int(value), "Route.target_command") for value in msg.target_command)
    return Route(
        points(msg.x, msg.y, "Route"),
        points(msg.target_x, msg.target_y, "Route.target"),
        (first, second, third),
        msg.lateral_offset,
        msg.heading_error,
        msg.remaining,
        msg.completion,
        optional_from_msg(msg.speed_limit),
    )


def control_to_msg(control: TrafficControl) -> Any:
    return types.TrafficControl(
        id=int(control.id),
        kind=int(control.kind),
        state=int(control.state),
        x=float(control.x),
        y=float(control.y),
        yaw=float32(control.yaw),
        distance=float32(control.distance),
        visible=bool(control.visible),
    )


def control_from_msg(msg: Any) -> TrafficControl:
    return TrafficControl(
        msg.id,
        member(_CONTROLS, msg.kind, "TrafficControl.kind"),
        member(_LIGHTS, msg.state, "TrafficControl.state"),
        msg.x,
        msg.y,
        msg.yaw,
        msg.distance,
        msg.visible,
    )


class SceneConverter:
    """Scenes to messages and back, converting each polyline once for as long as it stays in view.

    Map geometry is static: the same ``Polyline`` object (or the same message object) in two scenes in a row gives the
    same converted object, and the same polylines throughout give the very same tuple (or list); so hold on to them and
    do not change them. Only the polylines of the last scene are remembered: of each converter's to a message, of the
    process's from one, so that nodes that hear the same message get the very same scene, read once.
    """

    def __init__(self) -> None:
        self._encoding: _Kept[Polyline, Any] = _Kept(polyline_to_msg, StaticSequence)

    def to_msg(self, scene: Scene) -> Any:
        """takead_ros/Scene; its polylines share message objects with the scene before."""
        return _scene_to_msg(scene, self._encoding.convert(scene.polylines))

    def from_msg(self, msg: Any) -> Scene:
        """Scene of a takead_ros/Scene; its polylines are those of the scene before as long as their messages are."""
        return _known_scene(msg)


class _Kept(Generic[A, B]):
    """Converts sequences of objects, recognising by identity those of the sequence before."""

    def __init__(self, convert: Callable[[A], B], collect: Callable[[Iterable[B]], Any]) -> None:
        self._convert = convert
        self._collect = collect
        # source, result and what was converted by id: replaced as a whole, so that threads need no lock
        self._last: tuple[Sequence[A], Any, dict[int, tuple[A, B]]] = ((), collect(()), {})

    def convert(self, source: Sequence[A]) -> Any:
        before, result, known = self._last
        if source is before:
            return result
        if len(source) != len(before) or not all(map(is_, source, before)):
            # each entry holds its source, so that no other object can take over the id
            known = {id(one): known.get(id(one)) or (one, self._convert(one)) for one in source}
            result = self._collect([known[id(one)][1] for one in source])
        self._last = (source, result, known)
        return result


def scene_to_msg(scene: Scene) -> Any:
    """takead_ros/Scene in frame ``map``."""
    return _scene_to_msg(scene, [polyline_to_msg(line) for line in scene.polylines])


def scene_from_msg(msg: Any) -> Scene:
    """Scene of a takead_ros/Scene."""
    return _scene_from_msg(msg, tuple([polyline_from_msg(line) for line in msg.polylines]))


def _scene_to_msg(scene: Scene, polylines: list[Any]) -> Any:
    return types.Scene(
        header=header_to_msg(scene.stamp, MAP),
        ego=ego_to_msg(scene.ego),
        objects=objects_to_msg(scene.objects),
        polylines=polylines,
        route=route_to_msg(scene.route),
        controls=[control_to_msg(control) for control in scene.controls],
    )


def _scene_from_msg(msg: Any, polylines: tuple[Polyline, ...]) -> Scene:
    return Scene(
        stamp_from_msg(msg),
        ego_from_msg(msg.ego),
        objects_from_msg(msg.objects),
        polylines,
        route_from_msg(msg.route),
        tuple([control_from_msg(control) for control in msg.controls]),
    )


_decoding: _Kept[Any, Polyline] = _Kept(polyline_from_msg, tuple)


@read_once
def _known_polylines(msgs: Any) -> tuple[Polyline, ...]:
    polylines: tuple[Polyline, ...] = _decoding.convert(msgs)
    return polylines


@read_once
def _known_scene(msg: Any) -> Scene:
    return _scene_from_msg(msg, _known_polylines(msg.polylines))


def episode_to_msg(episode: EpisodeIdentity) -> Any:
    """takead_ros/Episode."""
    return types.Episode(
        header=header_to_msg(episode.stamp, MAP),
        suite=episode.suite,
        scenario=episode.scenario,
        seed=-1 if episode.seed is None else int(episode.seed),
        route=episode.route,
        map=episode.map,
        simulator=episode.simulator,
    )


def episode_from_msg(msg: Any) -> EpisodeIdentity:
    """What a takead_ros/Episode says; any negative seed is None."""
    seed = None if msg.seed < 0 else int(msg.seed)
    return EpisodeIdentity(stamp_from_msg(msg), msg.suite, msg.scenario, seed, msg.route, msg.map, msg.simulator)
