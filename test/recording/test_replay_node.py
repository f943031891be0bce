"""replay_node plays a clip to policy_node and holds the answers against the recorded ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.nodes.replay_node import ReplayNode
from takead_ros.recording import clip_folders
from takead_ros.resources import resource

GOLDEN = Path(__file__).parent / "golden"
NOVICE = str(resource("models/novice.onnx"))


def replayed(model: str | None = NOVICE, seconds: int = 120, **parameters: Any) -> ReplayNode:
    """A replay of the golden clip beside a policy node with ``model``, if any."""
    (clip,) = clip_folders.list_clips(GOLDEN)
    host = LockstepHost(1_700_000_000 * SECOND)  # a clock that knows nothing of the clip
    if model is not None:
        told: dict[str, Any] = {"model": model, "max_scene_age_s": 1e9}
        host.clock.nanoseconds = 0
        host.pause_ros_time()
        PolicyNode(host.create_node("policy_node", parameter_overrides=told), host.steady)
    given = {"clip": str(clip), **parameters}
    node = ReplayNode(host.create_node("replay_node", parameter_overrides=given), host.steady)
    for _ in range(10 * seconds):
        host.advance(SECOND // 10)
        if node.ended is not None:
            break
    return node


def test_the_recorded_answers_come_again() -> None:
    node = replayed()
    assert node.ended == 0 and node.result is not None
    assert node.result.frames >= 20 and node.result.problems == [] and max(node.result.worst.values()) < 1e-6


def test_nothing_is_sent_before_somebody_listens() -> None:
    assert replayed(model=None, seconds=20).ended is None


def test_another_model_is_refused_unless_meant() -> None:
    other = str(resource("models/baseline.onnx"))
    with pytest.raises(TakeadError, match=r"recorded with model .*, replayed with"):
        replayed(other)
    assert replayed(other, any_model=True).ended == 1


def test_a_changed_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer among all that says something else: not the same."""
    real, seen = convert.driver_from_msg, []

    def one_changed(msg: Any) -> Any:
        output = real(msg)
        seen.append(output.stamp)
        return replace(output, steering_angle=output.steering_angle + 0.01) if len(seen) == 5 else output

    monkeypatch.setattr(convert, "driver_from_msg", one_changed)
    node = replayed()
    assert node.ended == 1 and node.result is not None
    assert len(node.result.problems) == 1 and "steering_rad differs by 0.01" in node.result.problems[0]


def test_an_answer_that_never_comes_is_noticed() -> None:
    (clip,) = clip_folders.list_clips(GOLDEN)
    host = LockstepHost()
    node = ReplayNode(
        host.create_node("replay_node", parameter_overrides={"clip": str(clip), "patience_s": 0.1}), host.steady
    )
    wiring.subscription(host.create_node("deaf"), interfaces.SCENE, lambda msg: None)
    with pytest.raises(TakeadError, match="replayed with none"):
        host.advance(60 * SECOND)
    assert node.ended is None


def test_a_replay_needs_a_clip(tmp_path: Path) -> None:
    host = LockstepHost()
    with pytest.raises(TakeadError, match="parameter 'clip' is empty"):
        ReplayNode(host.create_node("replay_node"), host.steady)
    with pytest.raises(TakeadError, match="none"):
        ReplayNode(host.create_node("other", parameter_overrides={"clip": str(tmp_path / "none")}), host.steady)
