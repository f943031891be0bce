"""Triggers about how the policy drives: unhealthy, at odds with the expert, stuck, too fast."""

from __future__ import annotations

from takead_ros.domain.driving import DriverOutput, Trigger
from takead_ros.domain.units import SECOND
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.view import Finding, Record, View, brakes_less, driver_of


def unhealthy(view: View, p: MonitorParameters) -> Finding | None:
    if view.policy is None:
        silent = view.waited_s > p.policy_max_age_s
        return Finding(Trigger.POLICY_UNHEALTHY, True, False, 1.0, text="no policy output") if silent else None
    late = "" if (view.scene.stamp - view.policy.output.stamp) / SECOND <= p.policy_max_age_s else "late"
    fault = view.policy.fault or late
    return Finding(Trigger.POLICY_UNHEALTHY, bool(fault), not fault, 1.0, text=fault)


POLICY_UNHEALTHY = Record(
    Trigger.POLICY_UNHEALTHY,
    unhealthy,
    of_plan=False,
    clear="unhealthy_clear_s",
    enters="late, failed, not finite, out of range, or the plan jumps",
    clears="healthy",
    severity="1",
)


def disagreement(view: View, p: MonitorParameters) -> Finding | None:
    if view.expert is None:
        return None
    ego, policy, expert = view.scene.ego, driver_of(view).output, view.expert.output
    share = abs(policy.steering_angle - expert.steering_angle) / ego.max_steering_angle
    moving = ego.speed > p.disagreement_speed_mps
    return Finding(
        Trigger.STEERING_DISAGREEMENT,
        moving and share > p.disagreement_share,
        not moving or share < p.disagreement_exit_share,
        min(max(0.4 + 0.5 * (share - p.disagreement_share), 0.0), 1.0),
        text=f"steering differs by {share:.2f} of full lock",
    )


STEERING_DISAGREEMENT = Record(
    Trigger.STEERING_DISAGREEMENT,
    disagreement,
    sustain="disagreement_sustain_s",
    enters="policy and expert steer more than disagreement_share of full lock apart, above disagreement_speed_mps",
    clears="less than disagreement_exit_share apart, or slower",
    severity="0.4 and more, by the difference",
)


def stuck(view: View, p: MonitorParameters) -> Finding | None:
    if view.expert is None:
        return None
    waits = _goes(view.expert.output, p) and not _goes(driver_of(view).output, p)
    return Finding(
        Trigger.STUCK,
        waits and view.stood_s >= p.stuck_s,
        not waits or view.stood_s == 0.0,
        0.3,
        text=f"stands for {view.stood_s:.1f} s while the expert would go",
    )


STUCK = Record(
    Trigger.STUCK,
    stuck,
    enters="stands for stuck_s while only the expert would go",
    clears="it moves, or the policy would go, or the expert would not",
    severity="0.3",
)


def _goes(output: DriverOutput, p: MonitorParameters) -> bool:
    return float(output.plan.speed.max(initial=0.0)) > p.stuck_expert_mps and output.acceleration > 0.0


def speed_limit(view: View, p: MonitorParameters) -> Finding | None:
    limit, speed = view.scene.route.speed_limit, view.scene.ego.speed
    if limit is None or limit <= 0.0:
        return None
    excess = speed / limit - 1.0
    fast = excess > p.speeding_share and speed - limit > p.speeding_mps
    return Finding(
        Trigger.SPEED_LIMIT,
        fast and brakes_less(view, p),
        excess <= p.speeding_exit_share,
        min(max(0.3 + 0.5 * excess, 0.3), 0.8),
        text=f"{speed:.1f} m/s where {limit:.1f} m/s is the limit",
    )


SPEED_LIMIT = Record(
    Trigger.SPEED_LIMIT,
    speed_limit,
    sustain="speeding_sustain_s",
    enters="faster than the limit by speeding_share and by speeding_mps, and the policy brakes less than the expert",
    clears="within speeding_exit_share of the limit",
    severity="0.3 to 0.8, by the excess",
)
