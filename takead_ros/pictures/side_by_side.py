"""Recorded drives as pictures: one as an animation, two side by side around a moment of each."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from takead_ros.display.palette import Colour
from takead_ros.domain.driving import ArbiterMode, DriverStatus, Plan
from takead_ros.files import replacing
from takead_ros.pictures import scene as render
from takead_ros.pictures.gif import durations_ms, save_gif
from takead_ros.recording import clip_folders, clip_manifests, reader
from takead_ros.recording.reader import Frame
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec
from takead_ros.runs.progress import Progress

BEFORE_S, AFTER_S, STEP_S = 2.5, 5.0, 0.1  # what is shown around the takeover
SIZE, BAND = 440, 36  # pixels: a panel's side, the band above it
INK, GROUND = (31, 41, 55), (255, 255, 255)
_CALM, _EXPERT, _ALARM = (75, 85, 99), (21, 128, 61), (185, 28, 28)
DRIVERS: dict[ArbiterMode | None, tuple[str, Colour]] = {
    None: ("nobody drives yet", _CALM),
    ArbiterMode.DISENGAGED: ("nobody drives yet", _CALM),
    ArbiterMode.POLICY: ("policy drives", _CALM),
    ArbiterMode.EXPERT: ("expert has taken over", _EXPERT),
    ArbiterMode.HUMAN: ("human drives", _EXPERT),
    ArbiterMode.HANDBACK: ("handing back", (161, 98, 7)),
    ArbiterMode.MRM: ("minimum-risk stop", _ALARM),
    ArbiterMode.STOPPED: ("stopped", _ALARM),
    ArbiterMode.ARRIVING: ("stops at the goal", _CALM),
}


@dataclass(frozen=True)
class RecordedDrive:
    """A recorded drive: its frames, and its takeovers as (stamp ns, trigger)."""

    frames: Sequence[Frame]
    takeovers: Sequence[tuple[int, str]]


def record_drive(runner: EpisodeRunner, spec: EpisodeSpec) -> RecordedDrive:
    """Drive ``spec`` into a bag and read that back, so that pictures show what every clip shows. The bag is kept where
    ``spec`` says."""
    with tempfile.TemporaryDirectory(prefix="takead-") as folder:
        spec = replace(spec, bags=spec.bags or folder, record="all")
        runner.run(spec)
        (bag,) = clip_folders.list_clips(spec.folder or folder)
        starts = [event for event in clip_manifests.read_manifest(bag).events if event.kind == "start"]
        return RecordedDrive(list(reader.frames(bag)), [(event.stamp, event.trigger) for event in starts])


def plans_of(frame: Frame) -> dict[str, Plan]:
    """What the expert and the policy would do, by name, where they had a plan."""
    outputs = {"expert": frame.expert, "policy": frame.policy}
    return {name: out.plan for name, out in outputs.items() if out is not None and out.status is DriverStatus.OK}


def animate_scenario(suite: str, scenario: str, seed: int, path: Path, progress: Progress) -> None:
    """Write the expert's drive through one scenario as an animation."""
    label = f"drawing {scenario}, seed {seed}"
    runner = EpisodeRunner()
    progress.report(label, 0, 2)
    try:
        drive = record_drive(runner, EpisodeSpec(suite, scenario, seed, EXPERT, takeovers=False))
    finally:
        runner.close()
    progress.report(label, 1, 2)
    save_drive(drive, f"{scenario}, seed {seed}: the expert drives", path)
    progress.report(label, 2, 2)


def save_drive(drive: RecordedDrive, text: str, path: Path) -> None:
    """A whole drive as an animation under a line of ``text``."""
    pictures = (render.draw_scene(frame.scene, plans_of(frame), text, size=SIZE) for frame in drive.frames)
    save_gif(pictures, path, durations_ms([frame.stamp / 1e9 for frame in drive.frames]))


def film(old: RecordedDrive, new: RecordedDrive, stamps: tuple[int, int]) -> list[Image.Image]:
    """Both drives from a little before a moment of each (``stamps``, ns of the old and the new one), one picture each
    ``STEP_S``."""
    shown = []
    for i in range(round((BEFORE_S + AFTER_S) / STEP_S)):
        since = round((i * STEP_S - BEFORE_S) * 1e9)
        left, right = (
            _panel(_at(drive, stamp + since), name, title)
            for drive, stamp, name, title in zip((old, new), stamps, ("old", "new"), ("before", "after"), strict=True)
        )
        shown.append(put_side_by_side(left, right))
    return shown


def save_film(pictures: Sequence[Image.Image], animation: Path, still: Path) -> None:
    """Write what ``film`` made as an animation, and the picture just after its moment."""
    with replacing(still) as partial:
        pictures[round((BEFORE_S + 0.3) / STEP_S)].save(partial, format="PNG", optimize=True)
    durations = durations_ms([STEP_S * i for i in range(len(pictures))])
    save_gif(pictures, animation, durations, [INK, GROUND, *(colour for _, colour in DRIVERS.values())])


def _panel(frame: Frame, name: str, title: str) -> Image.Image:
    """One drive's picture under a band that says who drives."""
    plans: Mapping[str, Plan] = {name if who == "policy" else who: plan for who, plan in plans_of(frame).items()}
    scene = render.draw_scene(frame.world, plans, size=SIZE)
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


def _at(drive: RecordedDrive, stamp: int) -> Frame:
    return min(drive.frames, key=lambda frame: abs(frame.scene.stamp - stamp))


def put_side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two pictures of one height in one."""
    gap = 8
    both = Image.new("RGB", (left.width + gap + right.width, left.height), GROUND)
    both.paste(left, (0, 0))
    both.paste(right, (left.width + gap, 0))
    return both
