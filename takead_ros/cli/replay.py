"""``takead replay``: feed a clip's scenes to a node again and compare what it says with what was recorded."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say
from takead_ros.domain.driving import DriverOutput
from takead_ros.domain.errors import unknown
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.policy.shipped import model_path
from takead_ros.recording.comparison import TOLERANCE, ReplayDifference, judge, recorded_outputs

app = typer.Typer(name="replay", rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False)
NODES = ("policy",)


@app.command(epilog="Example: [bold]takead replay CLIP --model novice[/bold]")
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
    result = replay_policy(clip, model_path(model), any_model)
    if as_json != STDOUT:
        for name, value in result.worst.items():
            say(f"{name:18s} at most {value:.6f} apart, {TOLERANCE[name]} allowed")
        for problem in result.problems[:10]:
            say(problem)
        say(f"{result.frames} outputs compared: {'the same' if result.ok else 'NOT THE SAME'}")
    give_json({**asdict(result), "ok": result.ok, "tolerance": TOLERANCE}, as_json)
    if not result.ok:
        raise typer.Exit(1)


def replay_policy(clip: Path, model: Path, any_model: bool = False) -> ReplayDifference:
    """Replay the policy over ``clip``. Raises TakeadError where clip and model do not belong together."""
    scenes, before = recorded_outputs(clip)
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
