"""One takeover of the old policy, and the new policy at the same place: an animated picture and a still of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from pydantic.dataclasses import dataclass as record

from takead_ros.display.palette import Colour
from takead_ros.domain.driving import ArbiterMode, DriverStatus, Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.files import open_file, read_record, replacing, write_record
from takead_ros.pictures import scene as render
from takead_ros.pictures.gif import durations_ms, save_gif
from takead_ros.recording import clip_folders, clip_manifests, reader
from takead_ros.recording.reader import Frame
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec
from takead_ros.runs.progress import Progress
from takead_ros.runs.results import RECORD, EvaluatedEpisode, Evaluation, pairs

GIF, STILL, FACTS = "moment.gif", "moment.png", "moment.json"
BEFORE_S, AFTER_S, STEP_S = 2.5, 5.0, 0.1  # what is shown around the takeover
TRIGGERS = ("collision_predicted", "time_to_collision", "off_route", "steering_disagreement", "stuck")
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


@record(frozen=True, kw_only=True, config=RECORD)
class Moment:
    """Which takeover is shown, of which models (sha256), and what is to be said about it."""

    scenario: str
    seed: int
    trigger: str
    takeovers_after: int
    caption: str
    models: tuple[str, str]


@dataclass(frozen=True)
class RecordedDrive:
    """A recorded drive: its frames, and its takeovers as (stamp ns, trigger)."""

    frames: Sequence[Frame]
    takeovers: Sequence[tuple[int, str]]


def record_drive(runner: EpisodeRunner, spec: EpisodeSpec) -> RecordedDrive:
    """Drive ``spec`` into a bag and read that back, so that pictures show what every clip shows."""
    with tempfile.TemporaryDirectory(prefix="takead-") as folder:
        runner.run(replace(spec, bags=folder, record="all"))
        (bag,) = clip_folders.list_clips(folder)
        starts = [event for event in clip_manifests.read_manifest(bag).events if event.kind == "start"]
        return RecordedDrive(list(reader.frames(bag)), [(event.stamp, event.trigger) for event in starts])


def plans_of(frame: Frame) -> dict[str, Plan]:
    """What the expert and the policy would do, by name, where they had a plan."""
    outputs = {"expert": frame.expert, "policy": frame.policy}
    return {name: out.plan for name, out in outputs.items() if out is not None and out.status is DriverStatus.OK}


def ensure(run: Path, before: Evaluation, after: Evaluation, progress: Progress) -> Moment | None:
    """The moment of the run in folder ``run``, drawn from new drives of both models where it is not there yet.

    None where the old policy was never taken over. A broken file is made again.
    """
    models = (before.model_sha256, after.model_sha256)
    facts = run / FACTS
    with suppress(TakeadError):
        found = read_record(Moment, facts, "what a report shows")
        if found.models == models and _is_picture(run / GIF) and _is_picture(run / STILL):
            return found
    chosen = choose_moment(pairs(before, after))
    if chosen is None:
        return None
    scenario, seed = chosen
    label = f"drawing {scenario}, seed {seed}"
    runner = EpisodeRunner()
    drives = []
    try:
        for i, path in enumerate((before.path, after.path)):
            progress.report(label, i, 3)
            spec = EpisodeSpec(
                before.suite,
                scenario,
                seed,
                path,
                True,
                simulator=before.simulator.split()[0],
                parameters=before.parameters,
            )
            drives.append(record_drive(runner, spec))
    finally:
        runner.close()
    progress.report(label, 2, 3)
    old, new = drives
    stamp, trigger = old.takeovers[0]
    pictures = _film(old, new, stamp)
    still = min(range(len(pictures)), key=lambda i: abs(i * STEP_S - BEFORE_S - 0.3))
    with replacing(run / STILL) as partial:
        pictures[still].save(partial, optimize=True)
    durations = durations_ms([STEP_S * i for i in range(len(pictures))])
    save_gif(pictures, run / GIF, durations, [INK, GROUND, *(colour for _, colour in DRIVERS.values())])
    moment = Moment(
        scenario=scenario,
        seed=seed,
        trigger=trigger,
        takeovers_after=len(new.takeovers),
        caption=_caption(scenario, seed, trigger, len(new.takeovers)),
        models=models,
    )
    write_record(facts, moment)
    progress.report(label, 3, 3)
    return moment


def _is_picture(path: Path) -> bool:
    try:
        with open_file(path) as file, Image.open(file) as picture:
            picture.verify()
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return False
    return True


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


def choose_moment(episodes: Sequence[tuple[EvaluatedEpisode, EvaluatedEpisode]]) -> tuple[str, int] | None:
    """Scenario and seed of the pair that tells most: the old policy taken over for what lay ahead, the new one not, or
    less. None where the old policy was never taken over."""

    def worth(pair: tuple[EvaluatedEpisode, EvaluatedEpisode]) -> tuple[float, ...]:
        old, new = pair
        trigger = old.triggers[0]
        return (
            float(trigger in TRIGGERS[:2] and new.takeovers == 0),
            float(new.takeovers == 0),
            new.driving_score - old.driving_score,
            float(len(TRIGGERS) - TRIGGERS.index(trigger)) if trigger in TRIGGERS else 0.0,
        )

    taken_over = [pair for pair in episodes if pair[0].triggers]
    if not taken_over:
        return None
    best = max(taken_over, key=worth)[0]
    return best.scenario, best.seed


def _caption(scenario: str, seed: int, trigger: str, takeovers_after: int) -> str:
    after = {0: "the new policy drives on by itself", 1: "the new policy is taken over once"}.get(
        takeovers_after, f"the new policy is taken over {takeovers_after} times"
    )
    return (
        f"Held-out scenario {scenario}, seed {seed}. Left: the old policy; the expert takes over "
        f"({trigger.replace('_', ' ')}). Right: {after}. Orange and teal: the policy's plan; green: the expert's."
    )


def _film(old: RecordedDrive, new: RecordedDrive, stamp: int) -> list[Image.Image]:
    """Both drives from a little before the old policy's takeover at ``stamp`` ns, one picture each 0.1 s."""
    start = max(stamp - round(BEFORE_S * 1e9), 0)
    moments = [start + round(i * STEP_S * 1e9) for i in range(round((BEFORE_S + AFTER_S) / STEP_S))]
    return [
        put_side_by_side(_panel(_at(old, moment), "old", "before"), _panel(_at(new, moment), "new", "after"))
        for moment in moments
    ]


def _panel(frame: Frame, name: str, title: str) -> Image.Image:
    """One drive's picture under a band that says who drives."""
    plans: Mapping[str, Plan] = {name if who == "policy" else who: plan for who, plan in plans_of(frame).items()}
    scene = render.draw_scene(frame.scene, plans, size=SIZE)
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
