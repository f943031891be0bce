"""One takeover of the old policy, and the new policy at the same place: an animated picture and a still of it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from takead_ros.console import stderr
from takead_ros.domain.driving import ArbiterMode, DriverOutput, EventKind, Plan, TakeoverEvent
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import to_local, to_outer
from takead_ros.domain.scene import EgoState, Scene
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces
from takead_ros.pictures import scene as render
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec

GIF, STILL, FACTS = "moment.gif", "moment.png", "moment.json"
BEFORE_S, AFTER_S = 2.5, 5.0  # what is shown around the takeover
FRAME_MS = 100
TRIGGERS = ("collision_predicted", "time_to_collision", "off_route", "steering_disagreement", "stuck")
SIZE, BAND = 440, 36  # pixels: a panel's side, the band above it
INK, GROUND = (31, 41, 55), (255, 255, 255)
_CALM, _EXPERT, _ALARM = (75, 85, 99), (21, 128, 61), (185, 28, 28)
DRIVERS = {
    ArbiterMode.DISENGAGED: ("nobody drives yet", _CALM),
    ArbiterMode.POLICY: ("policy drives", _CALM),
    ArbiterMode.EXPERT: ("expert has taken over", _EXPERT),
    ArbiterMode.HUMAN: ("human drives", _EXPERT),
    ArbiterMode.HANDBACK: ("handing back", (161, 98, 7)),
    ArbiterMode.MRM: ("minimum-risk stop", _ALARM),
    ArbiterMode.STOPPED: ("stopped", _ALARM),
}


@dataclass(frozen=True)
class Moment:
    """Which takeover is shown, and what is to be said about it."""

    scenario: str
    seed: int
    trigger: str
    takeovers_after: int
    caption: str


@dataclass(frozen=True)
class Frame:
    """One scene, the plans for it (in its base_link) by who made them, and who drove."""

    scene: Scene
    plans: Mapping[str, Plan]
    mode: ArbiterMode


class Camera:
    """A node that keeps a frame for each output of the policy, or of the expert where no policy drives."""

    def __init__(self, host: LockstepHost, policy_drives: bool = True) -> None:
        self._policy_drives = policy_drives
        self.frames: list[Frame] = []
        self.takeovers: list[TakeoverEvent] = []
        self._scenes: deque[Scene] = deque(maxlen=8)
        self._expert: DriverOutput | None = None
        self._mode = ArbiterMode.DISENGAGED
        self._converter = convert.SceneConverter()
        node = host.create_node("camera")
        wiring.subscription(node, interfaces.SCENE, self._on_scene)
        wiring.subscription(node, interfaces.POLICY_OUTPUT, self._on_policy)
        wiring.subscription(node, interfaces.EXPERT_OUTPUT, self._on_expert)
        wiring.subscription(node, interfaces.ARBITER_STATE, self._on_state)
        wiring.subscription(node, interfaces.EVENT, self._on_event)

    def _on_scene(self, msg: Any) -> None:
        self._scenes.append(self._converter.from_msg(msg))

    def _on_expert(self, msg: Any) -> None:
        self._expert = convert.driver_from_msg(msg)
        scene = self._scene_at(self._expert.stamp)
        if not self._policy_drives and scene is not None:
            self.frames.append(Frame(scene, {"expert": self._expert.plan}, self._mode))

    def _on_state(self, msg: Any) -> None:
        self._mode = ArbiterMode(msg.state)

    def _on_event(self, msg: Any) -> None:
        event = convert.event_from_msg(msg)
        if event.kind is EventKind.START:
            self.takeovers.append(event)

    def _on_policy(self, msg: Any) -> None:
        policy = convert.driver_from_msg(msg)
        scene = self._scene_at(policy.stamp)
        if scene is None:
            return
        plans = {}
        seen = self._scene_at(self._expert.stamp) if self._expert else None
        if self._expert and seen:
            plans["expert"] = moved(self._expert.plan, seen.ego, scene.ego)
        self.frames.append(Frame(scene, {**plans, "policy": policy.plan}, self._mode))

    def _scene_at(self, stamp: int) -> Scene | None:
        return next((scene for scene in self._scenes if scene.stamp == stamp), None)


def moved(plan: Plan, made: EgoState, shown: EgoState) -> Plan:
    """``plan``, made in the base_link of ``made``, as it lies in the base_link of ``shown``."""
    points = to_outer(np.stack([plan.x, plan.y], axis=-1), made.x, made.y, made.yaw)
    local = to_local(points, shown.x, shown.y, shown.yaw)
    return replace(plan, x=local[:, 0], y=local[:, 1], yaw=plan.yaw + made.yaw - shown.yaw)


def ensure(run: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> Moment:
    """The moment of the run in folder ``run``; drawn from new drives of both models where it is not there yet.

    Raises TakeadError where the old policy was never taken over.
    """
    facts = run / FACTS
    if facts.exists() and (run / GIF).exists() and (run / STILL).exists():
        return Moment(**json.loads(facts.read_text(encoding="utf-8")))
    old_model, new_model = Path(before["path"]), Path(after["path"])
    scenario, seed = choose(before["episodes"], after["episodes"])
    stderr.print(f"  drawing {scenario}, seed {seed}: the old policy, then the new one")
    runner = EpisodeRunner()
    try:
        shots = [_shoot(runner, str(before["suite"]), scenario, seed, model) for model in (old_model, new_model)]
    finally:
        runner.close()
    old, new = shots
    first = old.takeovers[0]
    moment = Moment(
        scenario, seed, first.trigger.name.lower(), len(new.takeovers), _caption(scenario, seed, first, new)
    )
    pictures = _film(old, new, first.stamp)
    still = min(range(len(pictures)), key=lambda i: abs(i * FRAME_MS / 1000.0 - BEFORE_S - 0.3))
    pictures[still].save(run / STILL, optimize=True)
    save_gif(pictures, run / GIF)
    facts.write_text(json.dumps(asdict(moment), indent=2) + "\n", encoding="utf-8")
    return moment


def save_gif(pictures: Sequence[Image.Image], path: Path) -> None:
    """An endless animation at 10 pictures a second, in the colours of its middle picture."""
    palette = pictures[len(pictures) // 2].quantize(128, method=Image.Quantize.MEDIANCUT)
    small = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    small[0].save(path, save_all=True, append_images=small[1:], duration=FRAME_MS, loop=0, optimize=False)


def show(suite: str, scenario: str, seed: int, path: Path) -> None:
    """Write the expert's drive through one scenario as an animation."""
    cameras: list[Camera] = []
    runner = EpisodeRunner()
    try:
        spec = EpisodeSpec(suite, scenario, seed, EXPERT, takeovers=False)
        runner.run(spec, lambda host: cameras.append(Camera(host, policy_drives=False)))
    finally:
        runner.close()
    text = f"{scenario}, seed {seed}: the expert drives"
    save_gif([render.draw(frame.scene, frame.plans, text, size=SIZE) for frame in cameras[0].frames], path)


def choose(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """Scenario and seed of the episode that tells most: the old policy taken over for what lay ahead, the new one not,
    or less. Raises TakeadError where the old policy was never taken over."""

    def worth(pair: tuple[Mapping[str, Any], Mapping[str, Any]]) -> tuple[float, ...]:
        old, new = pair
        trigger = old["triggers"][0]
        return (
            float(trigger in TRIGGERS[:2] and new["takeovers"] == 0),
            float(new["takeovers"] == 0),
            new["driving_score"] - old["driving_score"],
            float(len(TRIGGERS) - TRIGGERS.index(trigger)) if trigger in TRIGGERS else 0.0,
        )

    pairs = [pair for pair in zip(before, after, strict=True) if pair[0]["triggers"]]
    if not pairs:
        raise TakeadError("report: the old policy was never taken over on these seeds; expected at least one takeover")
    best = max(pairs, key=worth)[0]
    return str(best["scenario"]), int(best["seed"])


def _shoot(runner: EpisodeRunner, suite: str, scenario: str, seed: int, model: Path) -> Camera:
    cameras: list[Camera] = []
    runner.run(
        EpisodeSpec(suite, scenario, seed, str(model), takeovers=True), lambda host: cameras.append(Camera(host))
    )
    return cameras[0]


def _caption(scenario: str, seed: int, first: TakeoverEvent, new: Camera) -> str:
    trigger = first.trigger.name.lower().replace("_", " ")
    after = {0: "the new policy drives on by itself", 1: "the new policy is taken over once"}.get(
        len(new.takeovers), f"the new policy is taken over {len(new.takeovers)} times"
    )
    return (
        f"Held-out scenario {scenario}, seed {seed}. Left: the old policy; the expert takes over ({trigger}). "
        f"Right: {after}. Orange and teal: the policy's plan; green: the expert's."
    )


def _film(old: Camera, new: Camera, stamp: int) -> list[Image.Image]:
    """Both drives from a little before the old policy's takeover at ``stamp`` ns, one picture each 0.1 s."""
    start = stamp - round(BEFORE_S * 1e9)
    count = round((BEFORE_S + AFTER_S) * 1000 / FRAME_MS)
    moments = [max(start, 0) + i * FRAME_MS * 1_000_000 for i in range(count)]
    return [
        _side_by_side(_panel(_at(old, moment), "old", "before"), _panel(_at(new, moment), "new", "after"))
        for moment in moments
    ]


def _panel(frame: Frame, name: str, title: str) -> Image.Image:
    """One drive's picture under a band that says who drives."""
    plans = {name if driver == "policy" else driver: plan for driver, plan in frame.plans.items()}
    scene = render.draw(frame.scene, plans, size=SIZE)
    band = Image.new("RGB", (SIZE, BAND + SIZE), GROUND)
    band.paste(scene, (0, BAND))
    pen = ImageDraw.Draw(band)
    font = ImageFont.load_default(size=19)
    text, colour = DRIVERS[frame.mode]
    pen.text((4, BAND / 2), title, INK, font, anchor="lm")
    width = pen.textlength(text, font) + 20
    pen.rounded_rectangle((SIZE - width, 4, SIZE - 1, BAND - 5), 8, colour)
    pen.text((SIZE - width / 2, BAND / 2 - 1), text, GROUND, font, anchor="mm")
    return band


def _at(camera: Camera, stamp: int) -> Frame:
    return min(camera.frames, key=lambda frame: abs(frame.scene.stamp - stamp))


def _side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    gap = 8
    both = Image.new("RGB", (left.width + gap + right.width, left.height), GROUND)
    both.paste(left, (0, 0))
    both.paste(right, (left.width + gap, 0))
    return both
