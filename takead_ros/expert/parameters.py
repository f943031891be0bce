"""Validated parameters of the expert, in SI units; every one can be set in ``config/expert.yaml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from takead_ros.domain.parameters import Parameters


class ExpertParameters(Parameters):
    """How the expert drives. Limits are physical bounds, checked when the node starts."""

    period_s: float = Field(0.1, ge=0.05, le=0.5, description="s between two answers")
    expert_sees: Literal["truth", "perceived"] = Field(
        "truth", description="truth: scene/truth where a simulator's perception is not the truth; perceived: scene"
    )
    privileged: bool = Field(False, description="also use objects and controls that the ego's sensors cannot see")

    default_speed_limit_mps: float = Field(12.0, gt=0, le=40, description="m/s where the route names no limit")
    comfort_acceleration_mps2: float = Field(2.0, gt=0, le=4, description="m/s^2 when gaining speed")
    comfort_deceleration_mps2: float = Field(
        2.0, gt=0, le=4, description="m/s^2 when slowing for bends, limits and leads"
    )
    max_deceleration_mps2: float = Field(8.0, ge=4, le=10, description="m/s^2 in an emergency")
    max_lateral_acceleration_mps2: float = Field(2.5, gt=0.5, le=5, description="m/s^2 in bends")

    headway_s: float = Field(1.4, ge=0.5, le=4, description="s to a moving lead")
    standstill_gap_m: float = Field(3.0, ge=1, le=10, description="m to a lead when both stand")
    blocker_gap_m: float = Field(
        7.0, ge=2, le=15, description="m kept to a standing obstacle, so as to pull out past it"
    )
    stop_line_gap_m: float = Field(1.0, ge=0.2, le=5, description="m between the front and a stop line")

    side_margin_m: float = Field(0.35, ge=0.1, le=2, description="m beside the ego in which a vehicle counts as ahead")
    person_margin_m: float = Field(0.9, ge=0.1, le=3, description="m the same for pedestrians and cyclists")
    pass_clearance_m: float = Field(1.0, ge=0.3, le=3, description="m to an obstacle that is passed")
    cyclist_clearance_m: float = Field(1.3, ge=0.5, le=3, description="m to a cyclist that is overtaken")
    crossing_margin_s: float = Field(0.9, ge=0, le=3, description="s that crossing traffic is kept away")
    merging_margin_s: float = Field(0.5, ge=0, le=3, description="s that traffic beside is kept away when merging")
    patience_s: float = Field(4.0, ge=1, le=60, description="s of waiting after which margins begin to shrink")

    queue_patience_s: float = Field(12.0, ge=0, le=60, description="s for which vehicles standing in line are a queue")
    aside_speed_mps: float = Field(5.0, ge=1, le=15, description="m/s while room is made for an emergency vehicle")

    occlusion_reach_m: float = Field(3.0, ge=0, le=6, description="m beside the path where a vehicle may hide a person")
    occlusion_speed_mps: float = Field(3.0, ge=1, le=15, description="m/s past a hiding place at no lateral distance")
    occlusion_gain_per_s: float = Field(2.5, ge=0, le=10, description="m/s more for each metre of lateral distance")

    memory_s: float = Field(1.5, ge=0, le=5, description="s for which an object is remembered after it is hidden")
    hysteresis: float = Field(0.04, ge=0, le=0.5, description="score in favour of what was chosen last")

    @classmethod
    def fixed_names(cls) -> frozenset[str]:
        return frozenset({"period_s", "expert_sees"})
