"""``takead replay``: feed a clip's scenes to a node again and compare what it says with what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say
from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.policy.shipped import model_path
from takead_ros.recording import bag, reader
from takead_ros.recording.gaps import header_stamp

app = typer.Typer(name="replay", rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False)
NODES = ("policy",)
# The same model on another processor or ONNX Runtime adds its sums in another order: plans may move by this much.
TOLERANCE = {"plan_m": 0.01, "yaw_rad": 0.002, "speed_mps": 0.01, "steering_rad": 0.002, "acceleration_mps2": 0.02}


@dataclass(frozen=True)
class Comparison:
    """The largest differences over ``frames`` outputs, by quantity; ``problems`` says what does not fit."""

    frames: int
    worst: dict[str, float]
    problems: list[str]

    @property
    def ok(self) -> bool:
        return not self.problems


@app.command(epilog="Example: [bold]takead replay CLIP --model baseline[/bold]")
def replay(
    clip: Path = typer.Argument(..., help="A clip's folder."),
    model: str = typer.Option(..., help="The model that drove when the clip was recorded: a file, or a shipped one."),
    node: str = typer.Option("policy", help="Which node to replay through."),
    any_model: bool = typer.Option(False, help="Compare even where the clip was recorded with another model."),
    as_json: str | None = JSON,
) -> None:
    """Feed the recorded scenes to the node in the lockstep host; compare its outputs with the recorded ones.

    Exit code 1 where one differs by more than the tolerance.
    """
    if node not in NODES:
        raise unknown("--node", node, NODES)
    json_file(as_json)
    result = compare(clip, model_path(model), any_model)
    if as_json != STDOUT:
        for name, value in result.worst.items():
            say(f"{name:18s} at most {value:.6f} apart, {TOLERANCE[name]} allowed")
        for problem in result.problems[:10]:
            say(problem)
        say(f"{result.frames} outputs compared: {'the same' if result.ok else 'NOT THE SAME'}")
    give_json({**asdict(result), "ok": result.ok, "tolerance": TOLERANCE}, as_json)
    if not result.ok:
        raise typer.Exit(1)


def compare(clip: Path, model: Path, any_model: bool = False) -> Comparison:
    """Replay the policy over ``clip``. Raises TakeadError where clip and model do not belong together."""
    scenes, before = recorded(clip)
    host = LockstepHost(scenes[0][0] - 1)
    handle = host.create_node("policy_node", parameter_overrides={"model": str(model)})
    PolicyNode(handle, host.steady)
    listener = host.create_node("replay")
    publisher = wiring.publisher(listener, interfaces.SCENE)
    said: dict[int, DriverOutput] = {}

    def hear(msg: Any) -> None:
        output = convert.driver_from_msg(msg)
        said.setdefault(output.stamp, output)

    wiring.subscription(listener, interfaces.POLICY_OUTPUT, hear)
    for stamp, data in scenes:
        # Before the node's own timer of that moment, as in the run itself: the simulator's timer comes first there.
        host.run_until(stamp - 1)
        publisher.publish(data)
        host.advance(0)
    host.advance(1)
    return judge(clip, before, said, any_model)


def recorded(clip: Path) -> tuple[list[tuple[int, bytes]], dict[int, DriverOutput]]:
    """Scenes by receive stamp, and the policy's outputs by the stamp of their scene."""
    scenes: list[tuple[int, bytes]] = []
    outputs = {frame.stamp: frame.policy for frame in reader.frames(clip) if frame.policy is not None}
    for message in bag.read(clip):
        if interfaces.SCENE.matches(message.topic, message.type):
            scenes.append((message.stamp, message.data))
    # The node answers the first scene of each period: begin with one that was answered.
    answered = [i for i, (_, data) in enumerate(scenes) if header_stamp(data) in outputs]
    if not answered:
        raise TakeadError(f"clip '{clip}': holds no output of the policy; expected one recorded while it ran")
    return scenes[answered[0] :], outputs


def judge(
    clip: Path, before: dict[int, DriverOutput], said: dict[int, DriverOutput], any_model: bool = False
) -> Comparison:
    """Hold what a replay ``said`` against what was recorded ``before``, both by the stamp of their scene (ns)."""
    worst = dict.fromkeys(TOLERANCE, 0.0)
    problems: list[str] = []
    models = {output.model_sha256 for output in before.values()}, {output.model_sha256 for output in said.values()}
    if models[0] != models[1] and not any_model:
        raise TakeadError(
            f"clip '{clip}': recorded with model {_short(models[0])}, replayed with {_short(models[1])}; "
            "expected the same (or --any-model)"
        )
    for stamp, then in before.items():
        now = said.get(stamp)
        if now is None or now.status is not then.status:
            problems.append(
                f"{stamp} ns: recorded {then.status.name}, replayed {now.status.name if now else 'nothing'}"
            )
            continue
        if then.status is not DriverStatus.OK:
            continue
        for name, value in _differences(then, now).items():
            worst[name] = max(worst[name], value)
            if not value <= TOLERANCE[name]:
                problems.append(f"{stamp} ns: {name} differs by {value:.4f}, {TOLERANCE[name]} allowed")
    return Comparison(len(before), worst, problems)


def _differences(before: DriverOutput, now: DriverOutput) -> dict[str, float]:
    def apart(first: Sequence[Any], second: Sequence[Any]) -> float:
        a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
        if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
            return float("inf")  # NaN is like nothing, and max() would pass over it
        return float(np.abs(a - b).max(initial=0.0))

    plan, other = before.plan, now.plan
    return {
        "plan_m": apart([plan.x, plan.y], [other.x, other.y]),
        "yaw_rad": apart([plan.yaw], [other.yaw]),
        "speed_mps": apart([plan.speed], [other.speed]),
        "steering_rad": apart([before.steering_angle], [now.steering_angle]),
        "acceleration_mps2": apart([before.acceleration], [now.acceleration]),
    }


def _short(hashes: set[str]) -> str:
    return ", ".join(sorted(h[:12] or "none" for h in hashes)) or "none"
