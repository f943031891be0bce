"""What drivers, monitor and arbiter say, as messages, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from takead_ros.domain.driving import (
    PLAN_STEPS,
    ArbiterMode,
    Cause,
    DriveCommand,
    DriverOutput,
    DriverStatus,
    EventKind,
    Limit,
    Plan,
    Source,
    TakeoverEvent,
    TakeoverRequest,
    Trigger,
)
from takead_ros.domain.errors import TakeadError
from takead_ros.messages import types
from takead_ros.messages.fields import (
    by_number,
    float32,
    float32_sequence,
    header_to_msg,
    member,
    optional_from_msg,
    optional_to_msg,
    read_once,
    real,
    stamp_from_msg,
)

BASE_LINK = "base_link"

_SOURCES, _STATUS, _TRIGGERS = by_number(Source), by_number(DriverStatus), by_number(Trigger)
_MODES, _EVENTS = by_number(ArbiterMode), by_number(EventKind)
_ALL_LIMITS = int(Limit.STEERING_ANGLE | Limit.STEERING_RATE | Limit.ACCELERATION | Limit.JERK | Limit.SPEED)


def driver_to_msg(output: DriverOutput) -> Any:
    """takead_ros/PolicyOutput in frame ``base_link``.

    Raises TakeadError unless candidates are (K, T, 2) with as many logits and as many steps as the plan.
    """
    plan, cause = output.plan, output.cause
    candidates = np.asarray(output.candidates, dtype=np.float32)
    expected = (len(output.logits), len(plan.x) or PLAN_STEPS, 2)
    if len(output.logits) and candidates.shape != expected:
        raise TakeadError(f"PolicyOutput.candidates has shape {candidates.shape}, expected {expected} (K, T, xy)")
    return types.PolicyOutput(
        header=header_to_msg(output.stamp, BASE_LINK),
        source=output.source,
        status=int(output.status),
        status_text=output.status_text,
        dt=float32(plan.dt),
        plan_x=float32_sequence(plan.x),
        plan_y=float32_sequence(plan.y),
        plan_yaw=float32_sequence(plan.yaw),
        plan_speed=float32_sequence(plan.speed),
        candidates=float32_sequence(candidates.ravel()),
        logits=float32_sequence(output.logits),
        speed_bins=float32_sequence(output.speed_bins),
        speed_probabilities=float32_sequence(output.speed_probabilities),
        control_steering_angle=float32(output.control_steering_angle),
        control_acceleration=float32(output.control_acceleration),
        steering_angle=float32(output.steering_angle),
        acceleration=float32(output.acceleration),
        model_sha256=output.model_sha256,
        inference_ms=float32(output.inference_ms),
        cause_kind=cause.kind,
        cause_object=int(cause.object_id),
        cause_visible=bool(cause.visible),
        cause_text=cause.text,
    )


@read_once
def driver_from_msg(msg: Any) -> DriverOutput:
    """DriverOutput of a takead_ros/PolicyOutput."""
    plan = Plan(real(msg.plan_x), real(msg.plan_y), real(msg.plan_yaw), real(msg.plan_speed), msg.dt)
    shape = (len(msg.logits), len(plan.x) or PLAN_STEPS, 2)
    candidates = real(msg.candidates)
    if candidates.size != shape[0] * shape[1] * 2:
        raise TakeadError(f"PolicyOutput.candidates has {candidates.size} values, expected {shape} (K, T, xy)")
    if not len(plan.x) == len(plan.y) == len(plan.yaw) == len(plan.speed):
        raise TakeadError("PolicyOutput.plan_x, plan_y, plan_yaw and plan_speed differ in length")
    return DriverOutput(
        stamp_from_msg(msg),
        msg.source,
        plan,
        candidates.reshape(shape),
        real(msg.logits),
        real(msg.speed_bins),
        real(msg.speed_probabilities),
        msg.control_steering_angle,
        msg.control_acceleration,
        msg.steering_angle,
        msg.acceleration,
        member(_STATUS, msg.status, "PolicyOutput.status"),
        msg.status_text,
        msg.model_sha256,
        msg.inference_ms,
        Cause(msg.cause_kind, msg.cause_object, msg.cause_visible, msg.cause_text),
    )


def command_to_msg(command: DriveCommand) -> Any:
    """takead_ros/DriveCommand in frame ``base_link``."""
    return types.DriveCommand(
        header=header_to_msg(command.stamp, BASE_LINK),
        steering_angle=float32(command.steering_angle),
        acceleration=float32(command.acceleration),
        lateral_source=int(command.lateral),
        longitudinal_source=int(command.longitudinal),
        lateral_age=float32(command.lateral_age),
        longitudinal_age=float32(command.longitudinal_age),
        limits=int(command.limits),
        reason=command.reason,
        model_sha256=command.model_sha256,
    )


def command_from_msg(msg: Any) -> DriveCommand:
    """DriveCommand of a takead_ros/DriveCommand."""
    if msg.limits & ~_ALL_LIMITS:
        raise TakeadError(f"DriveCommand.limits is {msg.limits}, expected a mask of at most {_ALL_LIMITS}")
    return DriveCommand(
        stamp_from_msg(msg),
        msg.steering_angle,
        msg.acceleration,
        member(_SOURCES, msg.lateral_source, "DriveCommand.lateral_source"),
        member(_SOURCES, msg.longitudinal_source, "DriveCommand.longitudinal_source"),
        msg.lateral_age,
        msg.longitudinal_age,
        Limit(msg.limits),
        msg.reason,
        msg.model_sha256,
    )


def request_to_msg(request: TakeoverRequest) -> Any:
    """takead_ros/TakeoverRequest."""
    return types.TakeoverRequest(
        header=header_to_msg(request.stamp, BASE_LINK),
        trigger=int(request.trigger),
        severity=float32(request.severity),
        time_to_event=optional_to_msg(request.time_to_event),
        object_id=int(request.object_id),
        text=request.text,
    )


def request_from_msg(msg: Any) -> TakeoverRequest:
    """TakeoverRequest of a takead_ros/TakeoverRequest."""
    return TakeoverRequest(
        stamp_from_msg(msg),
        member(_TRIGGERS, msg.trigger, "TakeoverRequest.trigger"),
        msg.severity,
        optional_from_msg(msg.time_to_event),
        msg.object_id,
        msg.text,
    )


def event_to_msg(event: TakeoverEvent) -> Any:
    """takead_ros/TakeoverEvent."""
    return types.TakeoverEvent(
        header=header_to_msg(event.stamp, BASE_LINK),
        kind=int(event.kind),
        takeover=int(event.takeover),
        who=int(event.who),
        trigger=int(event.trigger),
        severity=float32(event.severity),
        time_to_event=optional_to_msg(event.time_to_event),
        why=event.why,
    )


def event_from_msg(msg: Any) -> TakeoverEvent:
    """TakeoverEvent of a takead_ros/TakeoverEvent."""
    return TakeoverEvent(
        stamp_from_msg(msg),
        member(_EVENTS, msg.kind, "TakeoverEvent.kind"),
        msg.takeover,
        member(_SOURCES, msg.who, "TakeoverEvent.who"),
        member(_TRIGGERS, msg.trigger, "TakeoverEvent.trigger"),
        msg.severity,
        optional_from_msg(msg.time_to_event),
        msg.why,
    )


@dataclass(frozen=True)
class ArbiterReport:
    """What ``arbiter/state`` says. ``since``: s of the host's clock at entering ``mode``; ``hold_remaining``: s that
    the present driver still holds the wheel at least; ``rejected_*``: inputs rejected so far."""

    stamp: int
    mode: ArbiterMode
    lateral: Source
    longitudinal: Source
    since: float = 0.0
    hold_remaining: float = 0.0
    reason: str = ""
    rejected_policy: int = 0
    rejected_expert: int = 0
    rejected_human: int = 0
    rejected_scene: int = 0


def arbiter_to_msg(report: ArbiterReport) -> Any:
    """takead_ros/ArbiterState."""
    return types.ArbiterState(
        header=header_to_msg(report.stamp, BASE_LINK),
        state=int(report.mode),
        lateral_source=int(report.lateral),
        longitudinal_source=int(report.longitudinal),
        since=float(report.since),
        hold_remaining=float32(report.hold_remaining),
        reason=report.reason,
        rejected_policy=int(report.rejected_policy),
        rejected_expert=int(report.rejected_expert),
        rejected_human=int(report.rejected_human),
        rejected_scene=int(report.rejected_scene),
    )


def arbiter_from_msg(msg: Any) -> ArbiterReport:
    """ArbiterReport of a takead_ros/ArbiterState."""
    return ArbiterReport(
        stamp_from_msg(msg),
        member(_MODES, msg.state, "ArbiterState.state"),
        member(_SOURCES, msg.lateral_source, "ArbiterState.lateral_source"),
        member(_SOURCES, msg.longitudinal_source, "ArbiterState.longitudinal_source"),
        msg.since,
        msg.hold_remaining,
        msg.reason,
        msg.rejected_policy,
        msg.rejected_expert,
        msg.rejected_human,
        msg.rejected_scene,
    )
