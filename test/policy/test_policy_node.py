from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from support import bundles
from support.scenes import make_scene
from takead_ros.domain.driving import DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import driver_from_msg, scene_to_msg
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.policy.model import load_model
from takead_ros.policy.signing import fingerprint
from takead_ros.resources import resource

NOVICE = resource("models/novice.onnx")
STEP = 50_000_000


class Rig:
    """A policy node in a lockstep host, with scenes published every 50 ms while ``feed`` is on."""

    def __init__(self, with_model: bool = True, **parameters: Any) -> None:
        self.host = LockstepHost()
        self.feed = True
        self.outputs: list[Any] = []
        self.reports: list[Any] = []
        self.scene = make_scene()
        source = self.host.create_node("source")
        self.scenes = source.create_publisher(types.Scene, "scene", 1)
        source.create_timer(STEP / 1e9, self._tick)
        handle = self.host.create_node("policy_node", parameter_overrides=parameters)
        self.node = PolicyNode(handle, self.host.steady, load_model(NOVICE) if with_model else None)
        listener = self.host.create_node("listener")
        listener.create_subscription(types.PolicyOutput, "policy/output", self.outputs.append, 10)
        wiring.subscription(listener, interfaces.DIAGNOSTICS, self.reports.append)
        self.client = wiring.client(listener, interfaces.LOAD_MODEL)
        self._listener = listener

    def _tick(self) -> None:
        if self.feed:
            now = self._listener.get_clock().now().nanoseconds
            self.scenes.publish(scene_to_msg(replace(self.scene, stamp=now)))

    def run(self, seconds: float) -> list[Any]:
        """Advance and return the outputs published meanwhile, decoded."""
        seen = len(self.outputs)
        self.host.advance(round(seconds * 1e9))
        return [driver_from_msg(msg) for msg in self.outputs[seen:]]

    def load(self, path: Path, **more: Any) -> Any:
        future = self.client.call_async(types.LoadModel.Request(path=str(path), **more))
        self.host.advance(STEP)
        return future.result()


def test_answers_every_second_scene_of_20_hz() -> None:
    outputs = Rig().run(2.0)
    assert len(outputs) == pytest.approx(20, abs=1)
    assert all(out.status == DriverStatus.OK for out in outputs)
    stamps = [out.stamp for out in outputs]
    assert {b - a for a, b in pairwise(stamps[1:])} == {100_000_000}
    assert all(stamp % 100_000_000 == 0 for stamp in stamps[1:])  # the first scene of each period, as the expert's


def test_says_so_when_scenes_stay_away_and_recovers() -> None:
    rig = Rig()
    rig.run(0.5)
    rig.feed = False
    silent = rig.run(1.0)
    assert len(silent) >= 4
    assert all(out.status == DriverStatus.STALE_INPUT and "no scene since" in out.status_text for out in silent)
    rig.feed = True
    assert rig.run(0.5)[-1].status == DriverStatus.OK


@pytest.mark.parametrize("seconds", [10, -5])
def test_a_jump_of_time_is_no_absence_of_scenes(seconds: int) -> None:
    """The watch of both sides fires at the jump, before a scene of the new time is there; nobody would be left."""
    rig = Rig()
    rig.run(6.02)
    rig.feed = False
    rig.host.jump_ros_time(seconds * 1_000_000_000)
    assert rig.run(0.1) == []
    rig.feed = True
    assert {out.status for out in rig.run(0.5)} == {DriverStatus.OK}


def test_says_so_before_the_first_scene() -> None:
    rig = Rig()
    rig.feed = False
    outputs = rig.run(0.5)
    assert outputs and all(out.status_text == "no scene received yet" for out in outputs)


def test_without_a_model_it_says_so_and_the_service_loads_one(tmp_path: Path) -> None:
    rig = Rig(with_model=False)
    assert {out.status for out in rig.run(0.5)} == {DriverStatus.NO_MODEL}
    missing = rig.load(tmp_path / "none.onnx")
    assert (missing.accepted, missing.code) == (False, "no_such_file")
    (tmp_path / "bad.onnx").write_bytes(b"bad")
    bad = rig.load(tmp_path / "bad.onnx")
    assert (bad.accepted, bad.code) == (False, "model_refused") and "not an ONNX model" in bad.message
    good = rig.load(NOVICE)
    assert good.accepted and good.model_sha256 == load_model(NOVICE).sha256
    outputs = rig.run(0.5)
    assert outputs[-1].status == DriverStatus.OK and outputs[-1].model_sha256 == good.model_sha256
    assert not rig.load(tmp_path / "bad.onnx").accepted
    assert rig.run(0.5)[-1].status == DriverStatus.OK  # a refused model leaves the present one in place


def bundle(folder: Path, data: bytes, name: str = "b") -> Path:
    path = folder / f"{name}.tar.zst"
    path.write_bytes(data)
    return path


def test_a_bundle_is_loaded_and_told_and_goes_back_only_where_allowed(tmp_path: Path) -> None:
    newer = bundle(tmp_path, bundles.make(release=4), "newer")
    older = bundle(tmp_path, bundles.make(release=3), "older")
    rig = Rig(with_model=False, model=str(newer), bundle_key=str(bundles.write_keys(tmp_path)[1]))
    assert rig.run(1.2)[-1].status == DriverStatus.OK
    assert told(rig)["release"] == "4" and told(rig)["signed_by"] == fingerprint(bundles.TEAM.public_key())[:12]
    refused = rig.load(older)
    assert (refused.accepted, refused.code) == (False, "older")
    assert "release 3 is older than release 4, which is in use; expected a later one, or allow_older" in refused.message
    rig.run(1.2)
    assert told(rig)["release"] == "4"
    assert rig.load(older, allow_older=True).accepted
    rig.run(1.2)
    assert told(rig)["release"] == "3"
    assert rig.load(newer).accepted


@pytest.mark.parametrize("name", bundles.KEYED)
def test_with_a_key_only_a_bundle_that_it_signed_is_loaded(tmp_path: Path, name: str) -> None:
    make, words = bundles.KEYED[name]
    bad, key = bundle(tmp_path, make()), str(bundles.write_keys(tmp_path)[1])
    with pytest.raises(TakeadError, match=words):
        Rig(with_model=False, model=str(bad), bundle_key=key)
    rig = Rig(with_model=False, bundle_key=key)
    for path in (bad, NOVICE):
        refused = rig.load(path)
        assert (refused.accepted, refused.code) == (False, "model_refused")
    assert {out.status for out in rig.run(0.5)} == {DriverStatus.NO_MODEL}


def test_a_key_does_not_vouch_for_a_model_that_it_never_saw(tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match=r"parameter 'bundle_key' = .*: here the policy was loaded before"):
        Rig(bundle_key=str(bundles.write_keys(tmp_path)[1]))


def told(rig: Rig) -> dict[str, str]:
    return {pair.key: pair.value for pair in rig.reports[-1].status[0].values}


def test_an_old_scene_is_not_driven_on() -> None:
    rig = Rig()
    rig.run(0.3)
    rig.feed = False
    old = replace(rig.scene, stamp=rig.host.clock.now().nanoseconds - 500_000_000)
    rig.run(0.2)
    rig.scenes.publish(scene_to_msg(replace(old, stamp=old.stamp + 200_000_000)))
    outputs = rig.run(0.05)
    assert any(out.status == DriverStatus.STALE_INPUT and "s old" in out.status_text for out in outputs)


def test_a_scene_that_is_not_finite_gives_a_status() -> None:
    rig = Rig()
    rig.scene = replace(rig.scene, ego=replace(rig.scene.ego, speed=float("nan")))
    assert {out.status for out in rig.run(0.5)} == {DriverStatus.NOT_FINITE}


def test_diagnostics_name_the_model_and_the_trouble() -> None:
    rig = Rig()
    rig.run(2.1)
    status = rig.reports[-1].status[0]
    assert status.level == types.DiagnosticStatus.OK
    assert {pair.key: pair.value for pair in status.values}["model_sha256"] == load_model(NOVICE).sha256
    rig.feed = False
    rig.run(2.1)
    assert rig.reports[-1].status[0].level == types.DiagnosticStatus.ERROR


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"period_s": 0.0}, "'period_s' = 0.0"),
        ({"max_scene_age_s": -1.0}, "'max_scene_age_s' = -1.0"),
        ({"model": "nowhere.onnx"}, "nowhere.onnx"),
        ({"model": str(NOVICE), "provider": "warp"}, "provider 'warp'"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(TakeadError, match=message):
        Rig(with_model=False, **parameters)
