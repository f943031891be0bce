"""Triggers about the way: off the route, too fast for its bend ahead, off the road."""

from __future__ import annotations

import math

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import DriverOutput, Trigger
from takead_ros.domain.geometry import project
from takead_ros.domain.scene import FloatArray, Scene
from takead_ros.domain.units import SECOND
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.plans import Driver
from takead_ros.takeover.view import Finding, Record, View, driver_of
from takead_ros.takeover.view_kernels import SLOWEST_MPS, bends_ahead, beyond_lanes, first_too_fast, speeds_planned


def off_route(view: View, p: MonitorParameters) -> Finding:
    """Unless the expert means to stay there as well: it passes something."""
    scene, policy, expert = view.scene, driver_of(view).output, view.expert
    offset, yaw = abs(scene.route.lateral_offset), abs(scene.route.heading_error)
    far = offset > p.off_route_m or yaw > p.off_route_yaw_rad
    near = offset < p.off_route_exit_m and yaw < p.off_route_yaw_exit_rad
    if not near and expert is not None:
        near = _end_offset(scene, policy) <= _end_offset(scene, expert.output) + p.off_route_return_m
    severity = min(max(0.4 + 0.1 * (offset - p.off_route_m), 0.4), 0.8)
    text = f"{offset:.1f} m and {yaw:.2f} rad off"
    return Finding(Trigger.OFF_ROUTE, far and not near, near, severity, text=text)


OFF_ROUTE = Record(
    Trigger.OFF_ROUTE,
    off_route,
    sustain="off_route_sustain_s",
    enters="farther from the route than off_route_m or turned from it by off_route_yaw_rad, the policy not returning",
    clears="within off_route_exit_m and off_route_yaw_exit_rad, or the policy returns as the expert would",
    severity="0.4 to 0.8, by the distance",
)


def _end_offset(scene: Scene, output: DriverOutput) -> float:
    """Distance (m) from the route to the end of a plan."""
    ego, plan = scene.ego, output.plan
    x = ego.x + np.cos(ego.yaw) * plan.x[-1] - np.sin(ego.yaw) * plan.y[-1]
    y = ego.y + np.sin(ego.yaw) * plan.x[-1] + np.cos(ego.yaw) * plan.y[-1]
    return abs(project(scene.route.path, float(x), float(y))[1])


def bend_speed(view: View, p: MonitorParameters) -> Finding:
    ego, policy = view.scene.ego, driver_of(view)
    away, curvature = bends(view.scene, p)
    planned = planned_speed(view.scene, policy, away)
    limits = (p.bend_mps2, p.bend_exit_mps2, p.bend_braking_mps2)
    i, leave, lateral, due = first_too_fast(away, curvature, planned, float(ego.speed), *limits)
    if i < 0:
        return Finding(Trigger.BEND_SPEED, False, leave, 0.0)
    when = float(away[i]) / max(ego.speed, SLOWEST_MPS)
    text = f"bend in {away[i]:.0f} m planned at {planned[i]:.1f} m/s, {lateral:.1f} m/s2 sideways"
    severity = min(max(1.0 - 0.5 * when / p.horizon_s, 0.5), 1.0)
    expert = view.expert.output.acceleration if view.expert is not None else -math.inf
    mine = policy.output.acceleration
    enter = -mine < p.braking_share * due and expert < mine - p.better_braking_mps2
    return Finding(Trigger.BEND_SPEED, enter, leave, severity, when, text=text)


BEND_SPEED = Record(
    Trigger.BEND_SPEED,
    bend_speed,
    sustain="bend_sustain_s",
    stops="alone",
    enters="the policy's plan takes a bend of the route with more than bend_mps2, braking for it is due "
    "(bend_braking_mps2), and the policy brakes less than it must (braking_share) and than the expert",
    clears="no bend is planned with more than bend_exit_mps2",
    severity="0.5 to 1, by the time to the bend",
)


def bends(scene: Scene, p: MonitorParameters) -> tuple[FloatArray, FloatArray]:
    """Points of the route ahead: their distance (Q,) m from the ego along it, and its curvature (Q,) 1/m there."""
    prepare()
    path = np.ascontiguousarray(scene.route.path, dtype=float)
    return bends_ahead(path, float(scene.ego.x), float(scene.ego.y), p.bend_chord_m)


def planned_speed(scene: Scene, driver: Driver, away: FloatArray) -> FloatArray:
    """Speed (Q,) m/s that a driver's plan has ``away`` (Q,) m ahead; 0 beyond its end."""
    assert driver.trace is not None  # only usable drivers come here
    plan, age = driver.output.plan, (scene.stamp - driver.output.stamp) / SECOND
    speed = np.ascontiguousarray(plan.speed, dtype=float)
    return speeds_planned(away, driver.trace.rows, speed, float(plan.dt), float(age))


def road_left(view: View, p: MonitorParameters) -> Finding:
    ego, offset = view.scene.ego, abs(view.scene.route.lateral_offset)
    beyond = offset - 0.5 * p.off_road_lane_m
    if view.lanes is not None:
        lanes = view.lanes
        beyond = beyond_lanes(lanes.x, lanes.y, lanes.half, float(ego.x), float(ego.y), 0.5 * p.off_road_lane_m)
    text = f"{beyond:.1f} m off the road"
    left = beyond > p.off_road_m and offset > p.off_road_route_m
    return Finding(Trigger.OFF_ROAD, left, beyond < p.off_road_exit_m, 1.0, text=text)


OFF_ROAD = Record(
    Trigger.OFF_ROAD,
    road_left,
    sustain="off_road_sustain_s",
    stops="always",
    of_plan=False,
    enters="farther than off_road_m from the edge of every lane and than off_road_route_m from the route: both drivers "
    "plan along roads, so nobody is fit",
    clears="nearer than off_road_exit_m",
    severity="1",
)
