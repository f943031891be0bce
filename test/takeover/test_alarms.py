"""What the monitor keeps from one scene to the next: alarms, records, and what it asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.scenery import TICK, objects, output, scene
from takead_ros.domain.driving import DriverOutput, DriverStatus, TakeoverRequest, Trigger
from takead_ros.domain.scene import Scene
from takead_ros.domain.units import SECOND
from takead_ros.takeover import conduct
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.risks import RECORDS
from takead_ros.takeover.triggers import MonitorState, TriggerState, evaluate_triggers, most_severe, updated
from takead_ros.takeover.view import Finding, Record

P = MonitorParameters()


def finding(enter: bool, leave: bool, text: str = "", severity: float = 0.3, which: Trigger = Trigger.STUCK) -> Finding:
    return Finding(which, enter, leave, severity, text=text)


def test_an_alarm_comes_after_its_time_and_goes_after_its_time() -> None:
    kind = Record(Trigger.STUCK, conduct.stuck, "", "", "", "off_route_sustain_s", "unhealthy_clear_s")
    assert (kind.sustain_s(P), kind.clear_s(P)) == (0.2, 0.5)
    at_once = replace(kind, sustain=None)
    assert at_once.sustain_s(P) == 0.0 and updated(TriggerState(), finding(True, False), at_once, 5, P).active
    enters, leaves, holds = finding(True, False, "in"), finding(False, True, "out"), finding(False, False, "between")
    alarm, seen, texts = TriggerState(), [], []
    for i, found in enumerate([enters] * 3 + [holds] * 2 + [leaves] * 5 + [None, None]):
        alarm = updated(alarm, found, kind, i * SECOND // 10, P)
        seen.append(alarm.active)
        texts.append(alarm.finding.text if alarm.finding is not None else "none")
    assert seen == [False, False] + [True] * 8 + [False, False]
    assert texts[:10] == ["in"] * 3 + ["between"] * 2 + ["between"] * 5  # what is told is the last that was no exit


def test_what_is_interrupted_begins_again() -> None:
    kind = Record(Trigger.STUCK, conduct.stuck, "", "", "", "off_route_sustain_s", "unhealthy_clear_s")
    enters, leaves, holds, both = finding(True, False), finding(False, True), finding(False, False), finding(True, True)

    def active(found: list[Finding | None]) -> list[bool]:
        alarm, seen = TriggerState(), []
        for i, one in enumerate(found):
            alarm = updated(alarm, one, kind, i * SECOND // 10, P)
            seen.append(alarm.active)
        return seen

    assert active([enters, enters, holds, enters, enters, enters]) == [False] * 5 + [True]
    assert active([enters, None, enters, enters, None]) == [False] * 5
    on: list[Finding | None] = [enters] * 3
    assert active([*on, leaves, leaves, holds, *[leaves] * 5, leaves])[3:] == [True] * 8 + [False]
    assert active([*on, leaves, leaves, enters, *[leaves] * 6])[3:] == [True] * 8 + [False]
    assert active([*on, *[both] * 9])[3:] == [True] * 9  # as long as it enters it does not leave


def test_the_most_severe_is_asked_for() -> None:
    now = scene(77)

    def asked(*findings: Finding, active: bool = True) -> TakeoverRequest:
        return most_severe(now, {f.trigger: TriggerState(None, active, None, f) for f in findings})

    stuck, route = finding(True, False, "a", 0.3), finding(True, False, "b", 0.5, Trigger.OFF_ROUTE)
    assert asked() == asked(stuck, active=False) == TakeoverRequest(77, Trigger.NONE)
    assert asked(stuck, route) == asked(route, stuck) == TakeoverRequest(77, Trigger.OFF_ROUTE, 0.5, None, 0, "b")
    equal = replace(route, severity=0.3)
    assert asked(stuck, equal).trigger is asked(equal, stuck).trigger is Trigger.STUCK  # the lower number
    sick = finding(True, False, "c", 1.0, Trigger.POLICY_UNHEALTHY)
    gone = finding(True, False, "d", 0.1, Trigger.OFF_ROAD)
    assert asked(sick, gone).trigger is asked(gone, sick).trigger is Trigger.OFF_ROAD  # nobody is fit: before all
    full = Finding(Trigger.TIME_TO_COLLISION, True, False, 1.7, 0.8, 5, "e")
    assert asked(full) == TakeoverRequest(77, Trigger.TIME_TO_COLLISION, 1.0, 0.8, 5, "e")
    assert asked(replace(full, severity=-0.5)).severity == 0.0
    assert most_severe(now, {Trigger.STUCK: TriggerState(None, True, None, None)}).trigger is Trigger.NONE


class Watch:
    """The monitor over time, given what a test says."""

    def __init__(self) -> None:
        self.memory, self.asked = MonitorState(), TakeoverRequest(0, Trigger.NONE)

    def see(self, now: Scene, policy: DriverOutput | None, expert: DriverOutput | None = None) -> TakeoverRequest:
        self.asked, self.memory = evaluate_triggers(now, policy, expert, self.memory, P)
        return self.asked


def test_what_the_monitor_keeps() -> None:
    watch = Watch()
    first = replace(scene(1000, x=5.0, speed=0.4), ego=replace(scene(0).ego, x=5.0, y=6.0, yaw=0.7, speed=0.4))
    answer = output(1000, speed=0.4)
    watch.see(first, answer, output(1000, "expert", speed=0.4))
    kept = watch.memory
    assert (kept.began, kept.last, kept.stands_since) == (1000, 1000, 1000)
    assert dict(kept.poses) == {1000: (5.0, 6.0, 0.7, 0.4)}
    assert kept.policy is not None and kept.policy.trace is not None and kept.expert is not None
    assert (kept.policy.trace.x[0], kept.policy.trace.y[0], kept.policy.trace.yaw[0]) == (5.0, 6.0, 0.7)
    watch.see(scene(1000 + TICK, speed=0.49), answer)
    assert watch.memory.stands_since == 1000 and watch.memory.policy is kept.policy and watch.memory.expert is None
    watch.see(scene(1000 + 2 * TICK, speed=0.5), answer)
    assert watch.memory.stands_since is None and watch.memory.began == 1000
    for i in range(3, 23):
        watch.see(scene(1000 + i * TICK), output(1000 + i * TICK))
    assert list(watch.memory.poses) == [1000 + i * TICK for i in range(3, 23)]  # a second of them
    watch.see(scene(1000 + 22 * TICK), output(1000 + 22 * TICK))
    assert watch.memory.began == 1000  # the same stamp again is no start
    watch.see(scene(999), None)
    assert (watch.memory.began, watch.memory.last, len(watch.memory.poses)) == (999, 999, 1)


def test_an_answer_to_a_scene_that_is_not_known_is_not_placed() -> None:
    watch = Watch()
    watch.see(scene(0), None)
    watch.see(scene(TICK), output(TICK // 2))
    driver_ = watch.memory.policy
    assert driver_ is not None and driver_.trace is None and driver_.fault == "" and not driver_.usable()
    watch.see(scene(2 * TICK), DriverOutput.failed(2 * TICK, "policy", DriverStatus.ERROR, ""))
    assert watch.memory.policy is not None and watch.memory.policy.fault == "status_error"
    assert watch.asked.trigger is Trigger.POLICY_UNHEALTHY and watch.asked.text == "status_error"


def test_a_jump_is_noticed_when_the_plan_comes() -> None:
    watch = Watch()
    watch.see(scene(0), output(0))
    aside = replace(output(TICK), plan=replace(output(0).plan, y=np.full(8, 3.0)))
    assert watch.see(scene(TICK, x=0.5), aside).text == "plan_jump"
    assert watch.memory.policy is not None and watch.memory.policy.trace is not None


@pytest.mark.parametrize(("late", "judged"), [(SECOND // 4, True), (SECOND // 4 + 1, False)])
def test_a_late_plan_is_not_judged_any_more(late: int, judged: bool) -> None:
    """A wall ahead: it is met as long as the plan is young enough to be believed."""
    watch = Watch()
    near = objects({"x": 14.0, "y": 0.0})
    watch.see(scene(0, near=near), output(0))
    watch.see(scene(late, near=near), output(0))
    assert (Trigger.COLLISION_PREDICTED in watch.memory.alarms) and (
        watch.memory.alarms[Trigger.COLLISION_PREDICTED].finding is not None
    ) == judged


@pytest.mark.parametrize(("late", "compared"), [(SECOND // 4, True), (SECOND // 4 + 1, False)])
def test_a_late_expert_is_no_witness(late: int, compared: bool) -> None:
    watch = Watch()
    watch.see(scene(0), output(0), output(0, "expert"))
    watch.see(scene(late), output(late), output(0, "expert"))
    assert (watch.memory.alarms[Trigger.STUCK].finding is not None) == compared


def test_standing_is_counted_from_the_first_slow_scene() -> None:
    watch = Watch()
    go, stay = {"speed": 6.0, "acceleration": 1.5}, {"speed": 0.0, "acceleration": -1.0}
    asked = []
    for i in range(84):
        stamp = 7 + i * TICK
        asked.append(watch.see(scene(stamp, speed=0.0), output(stamp, **stay), output(stamp, "expert", **go)).trigger)
    assert asked.index(Trigger.STUCK) == 80  # 4 s
    assert watch.asked.text == "stands for 4.2 s while the expert would go"


def test_records_hold_what_they_say() -> None:
    for which, one in RECORDS.items():
        assert one.trigger is which and one.sustain_s(P) >= 0.0 and one.clear_s(P) > 0.0
    assert RECORDS[Trigger.COLLISION_PREDICTED].clear_s(P) == 0.5 and RECORDS[Trigger.STUCK].clear_s(P) == 0.3
