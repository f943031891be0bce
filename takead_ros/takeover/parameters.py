"""Validated parameters of the takeover parts: physical units, ranges, and which may change while driving.

No parameter uses zero for "off": every number has a strictly positive lower bound, and what can be left out is said
so by name (``drivers``). ``changed`` is the one way to alter them at run time.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from takead_ros.domain.parameters import Parameters, number

Driver = Literal["policy", "expert", "human"]


class ArbiterParameters(Parameters):
    period_s: float = number(0.05, 0.01, 0.05, "s between two commands; at most the half of command's deadline")
    drivers: tuple[Driver, ...] = Field(
        ("policy", "expert", "human"), min_length=1, description="who may drive; policy or expert must be among them"
    )
    auto_engage: bool = Field(False, description="engage once, as soon as all conditions of engage hold")
    supervised: bool = Field(True, description="the policy may drive only while the monitor is heard")

    engage_grace_s: float = number(0.3, 0.05, 2.0, "with auto_engage: roll this long from start before braking")

    scene_max_age_s: float = number(0.2, 0.05, 1.0, "oldest scene that may be driven on, by header stamp")
    scene_max_silence_s: float = number(0.2, 0.05, 1.0, "the same by steady receive time")
    policy_max_age_s: float = number(0.3, 0.05, 1.0, "oldest policy output that may drive, by header stamp")
    policy_max_silence_s: float = number(0.3, 0.05, 1.0, "the same by steady receive time")
    expert_max_age_s: float = number(0.3, 0.05, 1.0, "oldest expert output that may drive, by header stamp")
    expert_max_silence_s: float = number(0.3, 0.05, 1.0, "the same by steady receive time")
    human_max_age_s: float = number(0.2, 0.05, 0.5, "oldest human command that counts, by header stamp")
    human_max_silence_s: float = number(0.2, 0.05, 0.5, "heartbeat: the same by steady receive time")
    request_max_age_s: float = number(0.3, 0.05, 1.0, "oldest word of the monitor that counts, by header stamp")
    request_max_silence_s: float = number(0.3, 0.05, 1.0, "heartbeat: the same by steady receive time")
    future_tolerance_s: float = number(0.02, 0.001, 0.05, "how far a stamp may lie ahead of the clock")
    frozen_push_s: float = number(1.0, 0.2, 5.0, "a picture that stands still while the command pushes on is frozen")
    frozen_push_mps2: float = number(0.5, 0.1, 3.0, "a command of this and more sets a vehicle going")
    frozen_speed_mps: float = number(0.5, 0.1, 5.0, "a picture that is faster by its own word must move")
    clock_jump_s: float = number(1.0, 0.2, 10.0, "ROS time that advances more than this in a tick has jumped")

    steering_range_rad: float = number(0.9, 0.1, 1.2, "steering beyond this is rejected, not clipped")
    acceleration_range_mps2: float = number(15.0, 5.0, 30.0, "acceleration beyond this is rejected, not clipped")
    plan_range_m: float = number(400.0, 50.0, 2000.0, "a plan that reaches farther is rejected")
    steering_jump_rad: float = number(0.6, 0.1, 1.5, "a driver's steering may change this much between two outputs")
    position_jump_m: float = number(5.0, 0.5, 50.0, "the ego may move this much more than its speed explains")

    engage_max_offset_m: float = number(3.0, 0.1, 5.0, "engage envelope: distance from the route")
    engage_max_yaw_error_rad: float = number(0.6, 0.05, 1.5, "engage envelope: heading against the route")
    engage_max_speed_mps: float = number(35.0, 1.0, 70.0, "engage envelope: speed")

    expert_hold_s: float = number(2.0, 0.5, 10.0, "the expert keeps the wheel at least this long")
    human_hold_s: float = number(0.5, 0.1, 5.0, "a human keeps an axis this long after the last input on it")
    human_hard_steering_rad: float = number(0.25, 0.05, 0.7, "steering this far from the automation's takes both axes")
    human_coast_mps2: float = number(0.3, 0.01, 2.0, "deceleration while a human drives and no pedal is touched")
    exit_steering_rad: float = number(0.07, 0.005, 0.5, "handback: largest |policy - expert| steering")
    exit_acceleration_mps2: float = number(2.0, 0.1, 8.0, "handback: largest |policy - expert| acceleration")
    exit_sustain_s: float = number(0.3, 0.05, 5.0, "handback: both must agree this long")
    rollback_steering_rad: float = number(0.14, 0.01, 0.7, "handback is rolled back beyond this |policy - expert|")
    handback_timeout_s: float = number(3.0, 0.5, 20.0, "handback is rolled back when it takes longer")
    handback_steering_rate_radps: float = number(0.25, 0.02, 1.0, "largest steering rate during handback")
    handback_jerk_mps3: float = number(4.0, 0.5, 20.0, "largest rise of acceleration during handback")
    converged_steering_rad: float = number(0.01, 0.001, 0.1, "handback ends below this |command - policy|")
    converged_acceleration_mps2: float = number(0.3, 0.01, 2.0, "handback ends below this |command - policy|")

    max_speed_mps: float = number(36.0, 1.0, 70.0, "no acceleration above this speed")
    max_acceleration_mps2: float = number(4.0, 0.5, 8.0, "largest acceleration")
    max_deceleration_mps2: float = number(9.0, 3.0, 12.0, "largest deceleration")
    max_jerk_up_mps3: float = number(15.0, 1.0, 60.0, "largest rise of acceleration")
    max_jerk_down_mps3: float = number(50.0, 5.0, 200.0, "largest fall of acceleration (onset of braking)")
    max_steering_rate_radps: float = number(1.0, 0.1, 2.0, "largest steering rate at the wheels, any speed")
    max_lateral_acceleration_mps2: float = number(7.0, 1.0, 12.0, "bounds the steering angle by speed")
    max_lateral_jerk_mps3: float = number(30.0, 2.0, 100.0, "bounds the steering rate by speed")

    mrm_deceleration_mps2: float = number(3.0, 0.5, 6.0, "minimum-risk manoeuvre: comfort profile")
    mrm_emergency_deceleration_mps2: float = number(8.0, 3.0, 12.0, "minimum-risk manoeuvre: emergency profile")
    mrm_clearance_m: float = number(1.0, 0.1, 5.0, "the manoeuvre stops this far before what is in the way")
    mrm_path_reach_m: float = number(3.0, 0.5, 10.0, "farther than this from the path the wheel is held, not tracked")
    mrm_sight_m: float = number(60.0, 10.0, 300.0, "objects farther away do not matter to the manoeuvre")
    mrm_side_m: float = number(0.2, 0.01, 2.0, "room beside the ego's box that the manoeuvre keeps free ahead")
    mrm_lookahead_s: float = number(0.6, 0.1, 3.0, "of the manoeuvre's pure pursuit, within the next two")
    mrm_lookahead_min_m: float = number(3.0, 0.5, 20.0, "the same, at least")
    mrm_lookahead_max_m: float = number(12.0, 0.5, 60.0, "the same, at most")
    goal_stop: bool = Field(True, description="stop at the end of the route (false: the host ends the drive there)")
    goal_deceleration_mps2: float = number(2.0, 0.5, 4.0, "the stop at the end of the route: comfort profile")
    goal_reach_m: float = number(2.0, 0.2, 10.0, "nearer to the end of the route counts as arrived")
    manoeuvre_limit_s: float = number(
        30.0, 5.0, 300.0, "a stop that takes longer is given up: the human drives, or nobody"
    )
    hold_deceleration_mps2: float = number(2.0, 0.2, 5.0, "brake that holds a standing vehicle")
    standstill_mps: float = number(0.1, 0.01, 0.5, "slower counts as standing")
    standstill_s: float = number(0.5, 0.05, 5.0, "a stop is complete after standing this long")

    @classmethod
    def fixed_names(cls) -> frozenset[str]:
        return frozenset({"period_s", "drivers", "auto_engage", "supervised", "goal_stop"})

    @model_validator(mode="after")
    def _consistent(self) -> ArbiterParameters:
        if not {"policy", "expert"} & set(self.drivers):
            raise ValueError(f"drivers {list(self.drivers)}: policy or expert must be among them")
        if self.exit_steering_rad >= self.rollback_steering_rad:
            raise ValueError("exit_steering_rad must be smaller than rollback_steering_rad (hysteresis)")
        if self.mrm_deceleration_mps2 > self.mrm_emergency_deceleration_mps2:
            raise ValueError("mrm_deceleration_mps2 must not exceed mrm_emergency_deceleration_mps2")
        if self.mrm_lookahead_min_m > self.mrm_lookahead_max_m:
            raise ValueError("mrm_lookahead_min_m must not exceed mrm_lookahead_max_m")
        longest_s = self.max_speed_mps / min(self.mrm_deceleration_mps2, self.goal_deceleration_mps2)
        if self.manoeuvre_limit_s < longest_s + self.standstill_s:
            raise ValueError(
                "manoeuvre_limit_s must not be shorter than a stop from max_speed_mps takes "
                f"({longest_s + self.standstill_s:.1f} s)"
            )
        if self.mrm_emergency_deceleration_mps2 > self.max_deceleration_mps2:
            raise ValueError("mrm_emergency_deceleration_mps2 must not exceed max_deceleration_mps2")
        return self


class MonitorParameters(Parameters):
    period_s: float = number(0.05, 0.01, 0.2, "s between two evaluations")
    horizon_s: float = number(2.0, 0.5, 4.0, "how far ahead collisions are predicted")
    margin_m: float = number(0.2, 0.01, 2.0, "added to the ego's box on every side")
    reach_m: float = number(12.0, 1.0, 50.0, "farther off than both drive in horizon_s and this is left out")
    straight_ahead_s: float = number(1.0, 0.2, 4.0, "others may also keep their velocity this long, beside their lane")
    better_contact_s: float = number(0.3, 0.05, 2.0, "the expert does better: contact this much later")
    better_braking_mps2: float = number(1.0, 0.1, 5.0, "or braking this much harder")
    stop_line_overrun_m: float = number(0.3, 0.05, 2.0, "a line is run once the ego's front is this far beyond it")
    collision_sustain_s: float = number(0.05, 0.01, 1.0, "a predicted collision must last this long")
    collision_clear_s: float = number(0.5, 0.05, 5.0, "and must be gone this long to clear")
    disagreement_share: float = number(0.2, 0.02, 1.0, "|policy - expert| steering as a share of full lock: enter")
    disagreement_exit_share: float = number(0.1, 0.01, 1.0, "the same: exit")
    disagreement_speed_mps: float = number(1.0, 0.1, 5.0, "slower, the wheel's angle means little")
    disagreement_sustain_s: float = number(0.3, 0.01, 3.0, "and must last this long")
    ttc_s: float = number(1.5, 0.2, 5.0, "time to collision with what is ahead on the path: enter")
    ttc_exit_s: float = number(2.5, 0.3, 8.0, "the same: exit")
    headway_s: float = number(0.3, 0.05, 3.0, "time headway to what is ahead: enter")
    headway_exit_s: float = number(0.6, 0.1, 5.0, "the same: exit")
    headway_speed_mps: float = number(2.0, 0.2, 10.0, "slower, headway means little")
    corridor_m: float = number(0.3, 0.05, 2.0, "beside the ego's box: what is nearer to the path is on it")
    crossing_mps: float = number(1.0, 0.1, 5.0, "what is faster across the path crosses it")
    braking_share: float = number(0.7, 0.1, 1.0, "the policy is seen to act with this share of the needed braking")
    following_sustain_s: float = number(0.15, 0.01, 3.0, "following risk must last this long")
    stuck_s: float = number(4.0, 0.5, 60.0, "the policy stands this long while the expert would go")
    stuck_speed_mps: float = number(0.5, 0.05, 2.0, "slower counts as standing")
    stuck_expert_mps: float = number(2.0, 0.2, 10.0, "the expert would go: its plan reaches this speed")
    off_route_m: float = number(2.5, 0.3, 10.0, "distance from the route: enter")
    off_route_exit_m: float = number(1.0, 0.1, 10.0, "the same: exit")
    off_route_yaw_rad: float = number(1.0, 0.1, 3.0, "heading against the route: enter")
    off_route_yaw_exit_rad: float = number(0.4, 0.05, 3.0, "the same: exit")
    off_route_return_m: float = number(1.0, 0.1, 5.0, "the policy returns: its plan ends at most this much farther out")
    off_route_sustain_s: float = number(0.2, 0.01, 3.0, "and must last this long")
    speeding_share: float = number(0.25, 0.02, 1.0, "speed over the limit, as a share of it: enter")
    speeding_exit_share: float = number(0.05, 0.01, 1.0, "the same: exit")
    speeding_mps: float = number(2.0, 0.1, 20.0, "and over it by this much")
    speeding_sustain_s: float = number(1.0, 0.05, 10.0, "and must last this long while the policy does not brake")
    bend_mps2: float = number(
        6.0, 1.0, 10.0, "lateral acceleration that a plan may ask for in a bend of the route: enter"
    )
    bend_exit_mps2: float = number(4.5, 1.0, 10.0, "the same: exit")
    bend_braking_mps2: float = number(2.0, 0.2, 8.0, "and braking for it is due: the ego must brake this hard")
    bend_chord_m: float = number(6.0, 2.0, 20.0, "the route's curvature is measured over this length")
    bend_sustain_s: float = number(0.2, 0.05, 3.0, "and must last this long")
    off_road_m: float = number(3.0, 0.5, 10.0, "distance from the edge of the nearest lane: enter")
    off_road_exit_m: float = number(1.0, 0.1, 10.0, "the same: exit")
    off_road_route_m: float = number(6.0, 1.0, 20.0, "and from the route")
    off_road_lane_m: float = number(3.5, 2.0, 6.0, "width of a lane whose width is not known")
    off_road_sustain_s: float = number(0.5, 0.05, 3.0, "and must last this long")
    policy_max_age_s: float = number(0.25, 0.05, 1.0, "an older policy output counts as late")
    steering_range_rad: float = number(0.9, 0.1, 1.2, "an output beyond this is out of range")
    acceleration_range_mps2: float = number(15.0, 5.0, 30.0, "the same")
    speed_range_mps: float = number(75.0, 10.0, 150.0, "the same, of a plan")
    plan_range_m: float = number(400.0, 50.0, 2000.0, "a plan that reaches farther is out of range")
    plan_jump_at_s: float = number(1.0, 0.3, 3.0, "two plans are compared this far ahead")
    plan_jump_m: float = number(1.5, 0.2, 10.0, "two plans in a row may differ this much sideways there")
    plan_jump_along_m: float = number(7.0, 1.0, 30.0, "the same along the way")
    unhealthy_clear_s: float = number(0.5, 0.05, 5.0, "the policy must be healthy this long to clear")
    vehicle_braking_mps2: float = number(9.0, 2.0, 12.0, "what the vehicle can do, whatever a plan says")
    vehicle_acceleration_mps2: float = number(4.0, 0.5, 10.0, "the same")
    lookahead_m: float = number(3.0, 1.0, 15.0, "a plan is followed by pure pursuit of a point at least this far ahead")
    lookahead_steps: float = number(3.0, 1.0, 10.0, "and this many predicted steps (of 0.2 s)")
    lane_reach_m: float = number(2.5, 0.5, 5.0, "a vehicle this near to a lane follows it")
    lane_heading_rad: float = number(0.6, 0.1, 1.5, "where its course is within this of the lane's")
    lane_speed_mps: float = number(1.0, 0.1, 5.0, "and it is faster than this")
    lane_drift_s: float = number(2.0, 0.2, 4.0, "its sideways motion in the lane goes on this long")
    clear_s: float = number(0.3, 0.05, 5.0, "the exit condition of any other trigger must last this long")

    @classmethod
    def fixed_names(cls) -> frozenset[str]:
        return frozenset({"period_s"})

    @model_validator(mode="after")
    def _consistent(self) -> MonitorParameters:
        for enter, leave, larger in (
            ("disagreement_share", "disagreement_exit_share", "enter"),
            ("off_route_m", "off_route_exit_m", "enter"),
            ("off_route_yaw_rad", "off_route_yaw_exit_rad", "enter"),
            ("speeding_share", "speeding_exit_share", "enter"),
            ("bend_mps2", "bend_exit_mps2", "enter"),
            ("off_road_m", "off_road_exit_m", "enter"),
            ("ttc_s", "ttc_exit_s", "exit"),
            ("headway_s", "headway_exit_s", "exit"),
        ):
            a, b = getattr(self, enter), getattr(self, leave)
            if (a <= b) if larger == "enter" else (a >= b):
                raise ValueError(f"{enter} ({a}) and {leave} ({b}): the {larger} threshold must be the larger one")
        return self
