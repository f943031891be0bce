"""A clip at a glance: who drove, what was said, speed and steering of both sides over time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from takead_ros.domain.driving import DriverStatus, Source
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.files import replacing, writable_folder
from takead_ros.recording.clip import ClipManifest, Label
from takead_ros.recording.reader import Frame, frames

_MARKS = {
    Label.PRE: ".",
    Label.TAKEOVER_START: "!",
    Label.TAKEOVER: "#",
    Label.HANDBACK: "/",
    Label.POST: ":",
    Label.DEMONSTRATION: "d",
}
_WHO = {Source.NONE: " ", Source.POLICY: "P", Source.EXPERT: "E", Source.HUMAN: "H", Source.MRM: "M"}
_COLOURS = {
    Label.PRE: "#dfe7ef",
    Label.TAKEOVER_START: "#f4b183",
    Label.TAKEOVER: "#f8d7c0",
    Label.HANDBACK: "#fff2cc",
    Label.POST: "#e2f0d9",
    Label.DEMONSTRATION: "#e8e8e8",
}
_LEVELS = " ▁▂▃▄▅▆▇█"
SUFFIXES = (".png", ".svg")


@dataclass(frozen=True)
class Story:
    """Series over the N frames of a clip: ``stamps`` (N,) s from its start, ``speed`` (N,) m/s, ``driven``, ``policy``
    and ``expert`` (N, 2) [steering rad, acceleration m/s^2] with NaN where there is none."""

    stamps: FloatArray
    labels: list[Label]
    who: list[Source]
    speed: FloatArray
    driven: FloatArray
    policy: FloatArray
    expert: FloatArray


def read_story(clip: Path) -> Story:
    """The series of a clip. Raises TakeadError where it cannot be read or holds no frame."""
    found = list(frames(clip))
    if not found:
        raise TakeadError(f"clip '{clip}': holds no scene that the policy or the expert answered")
    begin = found[0].stamp
    return Story(
        stamps=np.array([(frame.stamp - begin) / 1e9 for frame in found]),
        labels=[frame.label for frame in found],
        who=[frame.command.lateral if frame.command else Source.NONE for frame in found],
        speed=np.array([frame.scene.ego.speed for frame in found]),
        driven=np.array([_command(frame) for frame in found]),
        policy=np.array([_output(frame, "policy") for frame in found]),
        expert=np.array([_output(frame, "expert") for frame in found]),
    )


def _command(frame: Frame) -> tuple[float, float]:
    command = frame.command
    return (command.steering_angle, command.acceleration) if command else (np.nan, np.nan)


def _output(frame: Frame, side: str) -> tuple[float, float]:
    output = frame.policy if side == "policy" else frame.expert
    if output is None or output.status is not DriverStatus.OK:
        return np.nan, np.nan
    return output.steering_angle, output.acceleration


def text(story: Story, manifest: ClipManifest, width: int) -> list[str]:
    """The timeline in ``width`` columns of text."""
    picked = np.linspace(0, len(story.stamps) - 1, min(width, len(story.stamps))).round().astype(int)
    lines = [
        "label      " + "".join(_MARKS[story.labels[i]] for i in picked),
        "driver     " + "".join(_WHO[story.who[i]] for i in picked),
        "speed      " + _bars(story.speed[picked]) + f"  0..{story.speed.max():.1f} m/s",
        "|d steer|  " + _bars(np.abs(story.policy - story.expert)[picked, 0]) + "  policy against expert",
        "           . pre  ! takeover start  # takeover  / handback  : post",
    ]
    for event in manifest.events:
        at = (event.stamp - manifest.start) / 1e9
        lines.append(f"{at:8.2f} s {event.kind:9s} {event.who:7s} {event.trigger} {event.why}".rstrip())
    return lines


def _bars(values: FloatArray) -> str:
    known = np.isfinite(values)
    top = float(values[known].max(initial=0.0)) or 1.0
    steps = np.clip(np.where(known, values, 0.0) / top, 0.0, 1.0) * (len(_LEVELS) - 1)
    return "".join(_LEVELS[round(step)] if there else " " for step, there in zip(steps, known, strict=True))


def draw_timeline(story: Story, manifest: ClipManifest, path: Path) -> Path:
    """The timeline as a picture, by ``path``'s suffix. Raises TakeadError for another one, where ``path`` cannot be
    written, and where matplotlib is missing (extra ``sim``)."""
    if path.suffix.lower() not in SUFFIXES:
        raise TakeadError(f"picture '{path}': expected a name ending in {' or '.join(SUFFIXES)}")
    try:
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
    except ImportError:
        raise TakeadError("the picture needs matplotlib; get it with: pip install 'takead_ros[sim]'") from None
    figure = Figure(figsize=(9, 6), dpi=110, layout="constrained")
    speed, steer, acceleration = figure.subplots(3, 1, sharex=True)
    speed.plot(story.stamps, story.speed, color="black")
    speed.set_ylabel("speed [m/s]")
    for axis, column, scale, words in (
        (steer, 0, 180.0 / np.pi, "steering [deg]"),
        (acceleration, 1, 1.0, "acceleration [m/s²]"),
    ):
        axis.plot(story.stamps, story.policy[:, column] * scale, color="#c00000", label="policy")
        axis.plot(story.stamps, story.expert[:, column] * scale, color="#2e75b6", label="expert")
        axis.plot(story.stamps, story.driven[:, column] * scale, color="black", lw=1, ls="--", label="driven")
        axis.set_ylabel(words)
    steer.legend(loc="upper left", ncols=3, fontsize="small", frameon=False)
    acceleration.set_xlabel("s from the clip's start")
    for axis in (speed, steer, acceleration):
        _shade(axis, story)
    present = [label for label in Label if label in story.labels]
    patches = [
        Patch(facecolor=_COLOURS[label], edgecolor="grey", label=label.value.replace("_", " ")) for label in present
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=len(patches), fontsize="small", frameon=False)
    # What a clip says of itself is no formula.
    figure.suptitle(f"{manifest.clip_id}: {manifest.trigger}, {manifest.judged}", fontsize="medium", parse_math=False)
    writable_folder(path.parent)
    with replacing(path) as partial:
        figure.savefig(partial)
    return path


def _shade(axis: object, story: Story) -> None:
    edges = [0, *(i for i in range(1, len(story.labels)) if story.labels[i] != story.labels[i - 1])]
    for first, last in zip(edges, [*edges[1:], len(story.labels) - 1], strict=True):
        span = (story.stamps[first], story.stamps[last])
        axis.axvspan(*span, color=_COLOURS[story.labels[first]], lw=0, zorder=0)  # type: ignore[attr-defined]
