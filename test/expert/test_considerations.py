"""The considerations one by one: what each adds to the proposals, and the cause that it states for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.expert_road import Actor, make_scene, standing, steady, straight
from takead_ros.compiled import prepare
from takead_ros.domain.driving import Cause
from takead_ros.domain.scene import (
    ControlKind,
    EgoState,
    LightState,
    LineKind,
    ObjectKind,
    Polyline,
    Scene,
    TrafficControl,
)
from takead_ros.expert.choose import choose
from takead_ros.expert.draft import Draft
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.perceive import perceive
from takead_ros.expert.propose import CONSIDERATIONS, consider, propose
from takead_ros.expert.roll import roll
from takead_ros.expert.situation import Situation

P = ExpertParameters()
EGO = EgoState(0.0, 0.0, 0.0, 9.0)


def situation(scene: Scene, before: Scene | None = None) -> Situation:
    prepare()
    memory = Memory() if before is None else perceive(before, Memory(), P).memory
    return perceive(scene, memory, P)


def control(kind: ControlKind, state: LightState = LightState.UNKNOWN) -> TrafficControl:
    return TrafficControl(8, kind, state, 40.0, 0.0, 0.0, 37.7)


def cyclist() -> Actor:
    return steady(3, 30.0, -0.5, 0.0, 3.0, kind=ObjectKind.CYCLIST, length=1.75, width=0.4)


def ambulance() -> Actor:
    return steady(5, -40.0, 0.0, 0.0, 16.0, kind=ObjectKind.EMERGENCY_VEHICLE, length=5.7, width=2.3)


def van() -> Actor:
    return standing(6, 40.0, -3.2, kind=ObjectKind.TRUCK, length=5.7, width=2.3)


CASES = {
    "consider_closed_line": make_scene(straight(), EGO, controls=(control(ControlKind.TRAFFIC_LIGHT, LightState.RED),)),
    "consider_yield_line": make_scene(straight(), EGO, controls=(control(ControlKind.YIELD_SIGN),)),
    "consider_obstacles": make_scene(straight(), EGO, [standing(7, 35.0)]),
    "consider_cyclists": make_scene(straight(), EGO, [cyclist()]),
    "consider_emergency": make_scene(straight(), EGO, [ambulance()]),
    "consider_oncoming": make_scene(straight(), EGO, [steady(4, 50.0, 1.6, np.pi, 9.0)]),
    "consider_occlusion": make_scene(straight(right_edge=-5.0), EGO, [van()]),
}


def stated(draft: Draft, here: Situation) -> list[Cause]:
    """The causes of all that is in ``draft``."""
    reasons = [*(offer.reason for offer in draft.offers), *draft.cap_reasons, *(wall.reason for wall in draft.walls)]
    reasons += [] if draft.reason is None else [draft.reason]
    return [reason.cause(here) for reason in reasons]


CAUSES = {
    "consider_closed_line": ("red_light", 8),
    "consider_yield_line": ("yield", 0),
    "consider_obstacles": ("obstacle", 7),
    "consider_cyclists": ("cyclist", 3),
    "consider_emergency": ("emergency_vehicle", 5),
    "consider_oncoming": ("oncoming", 4),
    "consider_occlusion": ("occlusion", 6),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("consideration", CONSIDERATIONS, ids=lambda consideration: consideration.__name__)
def test_a_consideration_adds_to_its_own_case_alone_and_says_why(case: str, consideration: object) -> None:
    here = situation(CASES[case])
    draft = consideration(here, Draft(here.limit), P)
    if (consideration.__name__, case) == ("consider_occlusion", "consider_obstacles"):
        assert {cause.kind for cause in stated(draft, here)} == {
            "occlusion"
        }  # what stands in the way may hide somebody
    elif consideration.__name__ != case:
        assert draft == Draft(here.limit)
    else:
        assert {(cause.kind, cause.object_id) for cause in stated(draft, here)} == {CAUSES[case]}
        assert len(draft.cap_reasons) == sum(len(caps.speed) for caps in draft.caps)


def test_there_is_a_case_for_each_consideration() -> None:
    assert set(CASES) == set(CAUSES) == {consideration.__name__ for consideration in CONSIDERATIONS}


def test_nothing_special_adds_nothing() -> None:
    here = situation(make_scene(straight(), EGO))
    assert consider(here, P) == Draft(here.limit)


def test_several_considerations_stand_side_by_side() -> None:
    controls = (control(ControlKind.TRAFFIC_LIGHT, LightState.RED), control(ControlKind.YIELD_SIGN))
    here = situation(make_scene(straight(right_edge=-5.0), EGO, [van(), ambulance()], controls=controls))
    found = {cause.kind for cause in stated(consider(here, P), here)}
    assert found == {"red_light", "yield", "occlusion", "emergency_vehicle"}


def test_the_cause_of_a_choice_is_one_that_something_stated() -> None:
    for name, scene in CASES.items():
        here = situation(scene)
        paths = propose(here, P)
        rollouts = roll(here, paths, P)
        cause = choose(here, paths, rollouts, P).cause
        others = {here.about(row, "").object_id for row in range(len(here.actors))}
        assert cause in [*stated(paths.draft, here), Cause("route", 0, True, "follows the route")] or (
            cause.object_id in others
            and cause.text.split()[0]
            in ("full", "brisk", "half", "slow", "yield", "stop", "brake", "emergency", "follows", "stops")
        ), name


def test_a_rider_behind_a_standing_car_is_not_overtaken_before_it() -> None:
    here = situation(make_scene(straight(), EGO, [standing(7, 25.0), cyclist()]))
    assert [offer.object_id for offer in consider(here, P).offers] == [7]
    nearer = situation(make_scene(straight(), EGO, [standing(7, 45.0), cyclist()]))
    assert [offer.object_id for offer in consider(nearer, P).offers] == [3]


def test_a_closed_line_takes_its_queue_for_no_obstacle() -> None:
    red = control(ControlKind.TRAFFIC_LIGHT, LightState.RED)
    scene = make_scene(straight(), EGO, [standing(7, 33.0)], controls=(red,))
    assert not consider(situation(scene), P).offers
    assert consider(situation(replace(scene, controls=())), P).offers


def test_who_can_pass_on_both_sides_crosses_no_solid_line() -> None:
    def offered(*lines: float, right_edge: float = -5.25, waited_s: float = 0.0) -> set[str]:
        road = straight(right_edge=right_edge)
        solid = [
            Polyline(9 + i, LineKind.BOUNDARY_SOLID, road.path + np.array([0.0, at])) for i, at in enumerate(lines)
        ]
        scene = make_scene(replace(road, lines=(*road.lines, *solid)), replace(EGO, speed=0.0), [standing(7, 35.0)])
        before = replace(scene, stamp=scene.stamp - round(waited_s * 1e9)) if waited_s else None
        return {offer.kind for offer in consider(situation(scene, before), P).offers}

    assert offered() == {"pass_left", "pass_right"}
    assert offered(1.75) == {"pass_right"} and offered(-1.75) == {"pass_left"}
    assert offered(1.75, -1.75) == {"pass_left", "pass_right"}  # there is no other way
    assert offered(1.75, right_edge=-1.75) == {"pass_left"}
    assert offered(1.75, waited_s=P.patience_s + 1.0) == {"pass_left", "pass_right"}  # the free side is not to be had
