"""Logs of episodes on a straight route, for the measures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.scene import ObjectKind, Objects
from takead_ros.measures.episode_log import End, EpisodeLog, Traffic

STEP = 0.05


def objects(*rows: tuple[float, float, float, float, float], kind: int = ObjectKind.CAR) -> Objects:
    """Cars of 4 m x 2 m at (x, y, yaw) with velocity (vx, vy)."""
    x, y, yaw, vx, vy = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    n = len(rows)
    return Objects(
        np.arange(1, n + 1), np.full(n, int(kind)), x, y, yaw, vx, vy, np.full(n, 4.0), np.full(n, 2.0), np.ones(n)
    )


def episode(
    seconds: float = 10.0, speed: float = 10.0, others: tuple[Objects, ...] = (), **fields: object
) -> EpisodeLog:
    """Straight along x at constant speed; the route is as long as the way."""
    count = round(seconds / STEP) + 1
    along = np.arange(count) * speed * STEP
    zeros = np.zeros(count)
    log = EpisodeLog(
        family="cut_in",
        seed=1,
        ability="merging",
        threat=True,
        step_s=STEP,
        route_length=float(along[-1]),
        time_limit=30.0,
        speed_limit=13.9,
        end=End.GOAL,
        ego_length=4.0,
        ego_width=2.0,
        x=along,
        y=zeros,
        yaw=zeros,
        speed=np.full(count, speed),
        acceleration=zeros,
        lateral_acceleration=zeros,
        yaw_rate=zeros,
        steering_angle=zeros,
        route_s=along,
        lateral_offset=zeros,
        off_road=zeros,
        objects=Traffic.of(others or (Objects.empty(),) * count),
        contacts=(),
    )
    return replace(log, **fields)  # type: ignore[arg-type]


def turned(log: EpisodeLog, angle: float, dx: float, dy: float) -> EpisodeLog:
    """The same episode on a map that is turned and shifted."""
    cos, sin = np.cos(angle), np.sin(angle)

    def move(o: Objects) -> Objects:
        return replace(
            o,
            x=cos * o.x - sin * o.y + dx,
            y=sin * o.x + cos * o.y + dy,
            yaw=o.yaw + angle,
            vx=cos * o.vx - sin * o.vy,
            vy=sin * o.vx + cos * o.vy,
        )

    return replace(
        log,
        x=cos * log.x - sin * log.y + dx,
        y=sin * log.x + cos * log.y + dy,
        yaw=log.yaw + angle,
        objects=replace(log.objects, all=move(log.objects.all)),
    )
