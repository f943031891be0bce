"""Pictures of scenes: what has to be seen is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from takead_ros.display.palette import KINDS
from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import (
    EgoState,
    LineKind,
    ObjectKind,
    Objects,
    Polyline,
    Route,
    RouteCommand,
    Scene,
)
from takead_ros.pictures.scene import EGO, PLANS, ROAD, draw_scene


def scene(visibility: float = 1.0, turn: float = 0.0) -> Scene:
    """The ego on a straight road along its heading, a car 15 m ahead in the next lane to the left."""
    along = np.stack([np.arange(-30.0, 60.0, 2.0), np.zeros(45)], axis=1)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    lanes = tuple(
        Polyline(i + 1, LineKind.LANE_CENTER, (along + np.array([0.0, y])) @ rotation, width=3.5)
        for i, y in enumerate((0.0, 3.5))
    )
    car = np.array([[15.0, 3.5]]) @ rotation
    one = np.ones(1)
    objects = Objects(
        np.array([1]),
        np.array([int(ObjectKind.CAR)]),
        car[:, 0],
        car[:, 1],
        one * turn,
        one * 0.0,
        one * 0.0,
        one * 4.6,
        one * 1.9,
        one * visibility,
    )
    follow = RouteCommand.LANE_FOLLOW
    route = Route(along[10:] @ rotation, along[20:23] @ rotation, (follow,) * 3, 0.0, 0.0, 100.0, 0.0)
    return Scene(0, EgoState(0.0, 0.0, turn, 8.0), objects, lanes, route)


def count(image: object, colour: tuple[int, int, int], tolerance: int = 12) -> int:
    return int((np.abs(np.asarray(image).astype(int) - colour).max(-1) <= tolerance).sum())


def test_ego_car_road_and_plan_are_drawn_ahead_up_and_left_left() -> None:
    plan = Plan(np.arange(1.0, 9.0) * 3.0, np.zeros(8), np.zeros(8), np.full(8, 6.0))
    image = draw_scene(scene(), {"expert": plan}, "a caption")
    pixels = np.asarray(image).astype(int)
    assert image.size == (480, 480)
    for colour in (EGO, KINDS[ObjectKind.CAR], ROAD, PLANS["expert"]):
        assert count(image, colour) > 40
    rows, columns = np.nonzero(np.abs(pixels - KINDS[ObjectKind.CAR]).max(-1) <= 12)
    ego_rows, ego_columns = np.nonzero(np.abs(pixels - EGO).max(-1) <= 12)
    assert rows.mean() < ego_rows.mean() and columns.mean() < ego_columns.mean() - 20


def test_what_the_ego_cannot_see_is_only_hatched() -> None:
    assert count(draw_scene(scene(0.0)), KINDS[ObjectKind.CAR]) < 0.4 * count(
        draw_scene(scene(1.0)), KINDS[ObjectKind.CAR]
    )


@pytest.mark.parametrize("turn", [0.7, -2.0, 3.0])
def test_the_picture_turns_with_the_ego(turn: float) -> None:
    straight, turned = (np.asarray(draw_scene(picture)).astype(int) for picture in (scene(), scene(turn=turn)))
    assert (np.abs(straight - turned).max(-1) > 40).mean() < 0.02


def test_an_empty_plan_and_a_long_caption_are_fine() -> None:
    none = np.zeros(0)
    image = draw_scene(replace(scene(), objects=Objects.empty()), {"old": Plan(none, none, none, none)}, "words " * 60)
    assert image.size == (480, 480) and count(image, KINDS[ObjectKind.CAR]) == 0
