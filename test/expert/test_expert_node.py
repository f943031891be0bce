"""The expert node in the lockstep host."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.expert_road import make_scene, standing, straight
from takead_ros.domain.driving import DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import EgoState
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import driver_from_msg, scene_to_msg
from takead_ros.nodes.expert_node import ExpertNode

CONFIG = Path(__file__).resolve().parents[2] / "config" / "expert.yaml"


class Rig:
    """An expert node in a lockstep host that is shown a scene every 50 ms while ``feed`` is on."""

    def __init__(self, **parameters: Any) -> None:
        self.host, self.feed, self.outputs, self.reports = LockstepHost(), True, [], []
        self.scene = make_scene(straight(1.75), EgoState(0.0, 0.0, 0.0, 8.0), [standing(5, 30.0)])
        source = self.host.create_node("source")
        self._scenes = source.create_publisher(types.Scene, "scene", 1)
        source.create_timer(0.05, self._tick)
        self._clock = source.get_clock()
        self.node = ExpertNode(self.host.create_node("expert_node", parameter_overrides=parameters), self.host.steady)
        listener = self.host.create_node("listener")
        listener.create_subscription(types.PolicyOutput, "expert/output", self._heard, 10)
        wiring.subscription(listener, interfaces.DIAGNOSTICS, self.reports.append)

    def _tick(self) -> None:
        if self.feed:
            self._scenes.publish(scene_to_msg(replace(self.scene, stamp=self._clock.now().nanoseconds)))

    def _heard(self, msg: Any) -> None:
        self.outputs.append(driver_from_msg(msg))

    def run(self, seconds: float) -> list[Any]:
        seen = len(self.outputs)
        self.host.advance(round(seconds * 1e9))
        return self.outputs[seen:]


def test_it_answers_every_other_scene_with_its_plan_and_cause() -> None:
    outputs = Rig().run(2.0)
    assert {output.status for output in outputs} == {DriverStatus.OK}
    assert {b.stamp - a.stamp for a, b in pairwise(outputs[1:])} == {100_000_000}  # the first one at once
    assert all(output.source == "expert" and len(output.plan.x) == 8 for output in outputs)
    assert (outputs[-1].cause.object_id, outputs[-1].cause.visible) == (5, True)


def test_silence_is_told_and_ends_when_scenes_come_back() -> None:
    rig = Rig()
    rig.run(0.5)
    rig.feed = False
    silent = rig.run(1.0)
    assert silent
    assert {output.status for output in silent} == {DriverStatus.STALE_INPUT}
    rig.feed = True
    assert rig.run(0.5)[-1].status is DriverStatus.OK


def test_no_scene_at_all_is_told() -> None:
    rig = Rig()
    rig.feed = False
    outputs = rig.run(0.5)
    assert outputs
    assert "no scene" in outputs[0].status_text


def test_a_scene_that_cannot_be_driven_is_told() -> None:
    rig = Rig()
    rig.scene = replace(rig.scene, ego=replace(rig.scene.ego, x=float("nan")))
    outputs = rig.run(0.5)
    assert outputs
    assert all(output.status is not DriverStatus.OK and output.status_text for output in outputs)


def test_diagnostics_every_second() -> None:
    rig = Rig()
    rig.run(3.2)
    assert len(rig.reports) == 3
    values = {value.key: value.value for value in rig.reports[-1].status[0].values}
    assert values["answers"] == "10"
    assert values["failures"] == "0"


@pytest.mark.parametrize(("name", "value"), [("headway_s", 0.0), ("max_deceleration_mps2", 50.0), ("period_s", -1.0)])
def test_a_parameter_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(TakeadError, match=name):
        Rig(**{name: value})


def test_privilege_is_a_parameter() -> None:
    hidden, told = Rig(), Rig(privileged=True)
    for rig in (hidden, told):
        rig.scene = replace(rig.scene, objects=replace(rig.scene.objects, visibility=np.zeros(1)))
    assert hidden.run(0.5)[-1].cause.object_id == 0
    assert told.run(0.5)[-1].cause.object_id == 5
