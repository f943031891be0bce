"""Clips as training and replay need them: frames in which everything answers the same scene."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcap.reader import make_reader

from takead_ros.domain.driving import ArbiterMode, DriveCommand, DriverOutput
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.domain.units import SECOND
from takead_ros.files import content_of, open_file
from takead_ros.messages import codec, convert, interfaces
from takead_ros.messages.interfaces import Interface
from takead_ros.recording.bag import DAMAGE, BagMessage, Scan, bag_files, read, salvage
from takead_ros.recording.clip import (
    MANIFEST_FILE,
    MAX_MANIFEST,
    METADATA_NAME,
    ClipManifest,
    Label,
    parse_manifest,
)
from takead_ros.recording.gaps import header_stamp
from takead_ros.recording.writer import OPEN_SUFFIX

FRAME_TOPICS = (
    interfaces.SCENE,
    interfaces.SCENE_TRUTH,
    interfaces.POLICY_OUTPUT,
    interfaces.EXPERT_OUTPUT,
    interfaces.COMMAND,
    interfaces.ARBITER_STATE,
    interfaces.CLIP_LABEL,
)
NOT_CLIPS = (OPEN_SUFFIX, ".recovering", ".damaged")  # folders that are no closed clips
TRASH = ".trash"  # where pruned clips wait for their end
_HORIZON = 3 * SECOND  # an answer that comes later than this after its scene is not waited for


@dataclass(frozen=True)
class Frame:
    """One observation with all that answers it. ``stamp`` ns.

    policy, expert: their outputs for this very scene (by header stamp). command: the first one given after the scene
    came in, whoever drove. mode: the arbiter's state in force at the stamp. truth: the world as it was, where the scene
    is what a simulated perception made of it.
    """

    stamp: int
    scene: Scene
    policy: DriverOutput | None
    expert: DriverOutput | None
    command: DriveCommand | None
    label: Label
    mode: ArbiterMode | None
    truth: Scene | None = None

    @property
    def world(self) -> Scene:
        """The world as it was, as far as the clip knows it: what measures are to be taken by."""
        return self.scene if self.truth is None else self.truth


@dataclass
class _OpenFrame:
    """A scene that may still get answers, or answers whose scene is still to come; serialized."""

    received: int  # by whichever came first
    scene_received: int = 0
    scene: bytes | None = None
    truth: bytes | None = None
    policy: bytes | None = None
    expert: bytes | None = None
    command: bytes | None = None


@dataclass
class _Aligner:
    origin: Path
    open: dict[int, _OpenFrame] = field(default_factory=dict)  # by header stamp, in order of arrival
    latest: _OpenFrame | None = None  # the scene that came in last
    labels: dict[int, deque[Label]] = field(default_factory=dict)  # by receive stamp of their scenes, in order
    modes: list[tuple[int, ArbiterMode]] = field(default_factory=list)
    seen: set[Interface] = field(default_factory=set)

    def take(self, message: BagMessage) -> None:
        found = interfaces.find_interface(message.topic, message.type)
        if found not in FRAME_TOPICS:
            return
        self.seen.add(found)
        stamp, data = header_stamp(message.data), message.data
        if found is interfaces.CLIP_LABEL:
            self.labels.setdefault(message.stamp, deque()).append(self._label(data))
        elif found is interfaces.ARBITER_STATE:
            self.modes.append((stamp, convert.arbiter_from_msg(codec.deserialize(data, found.type)).mode))
        elif found is interfaces.COMMAND:
            if self.latest is not None and self.latest.command is None:
                self.latest.command = data
        else:
            # Under ROS 2 an answer may come in before its scene.
            entry = self.open.setdefault(stamp, _OpenFrame(message.stamp))
            if found is interfaces.SCENE:
                entry.scene, entry.scene_received, self.latest = data, message.stamp, entry
            elif found is interfaces.SCENE_TRUTH:
                entry.truth = data
            else:
                setattr(entry, "policy" if found is interfaces.POLICY_OUTPUT else "expert", data)

    def ready(self, now: int) -> Iterator[Frame]:
        """The frames that are complete at receive stamp ``now``; forgets them."""
        for stamp in list(self.open):
            if now - self.open[stamp].received <= _HORIZON:
                return
            frame = self._frame(stamp, self.open.pop(stamp))
            if frame is not None:
                yield frame

    def _frame(self, stamp: int, raw: _OpenFrame) -> Frame | None:
        if raw.scene is None:
            return None  # the answer to a scene before the clip's first one
        waiting = self.labels.get(raw.scene_received)
        label = waiting.popleft() if waiting else None
        if raw.policy is None and raw.expert is None:
            return None
        if label is None:
            raise TakeadError(
                f"bag '{self.origin}': the scene at {stamp} ns has no message on clip/label; expected one for each "
                "scene, as the recorder writes it (try: takead clips recover)"
            )
        command = raw.command and convert.command_from_msg(codec.deserialize(raw.command, interfaces.COMMAND.type))
        at = bisect_right(self.modes, stamp, key=lambda item: item[0]) - 1
        return Frame(
            stamp=stamp,
            scene=convert.scene_from_msg(codec.deserialize(raw.scene, interfaces.SCENE.type)),
            truth=None
            if raw.truth is None
            else convert.scene_from_msg(codec.deserialize(raw.truth, interfaces.SCENE_TRUTH.type)),
            policy=_output(raw.policy),
            expert=_output(raw.expert),
            command=command or None,
            label=label,
            mode=self.modes[at][1] if at >= 0 else None,
        )

    def _label(self, data: bytes) -> Label:
        text = codec.deserialize(data, interfaces.CLIP_LABEL.type).data
        try:
            return Label(text)
        except ValueError:
            raise TakeadError(
                f"bag '{self.origin}': label '{text}' on clip/label; expected one of {', '.join(Label)}"
            ) from None


def _output(data: bytes | None) -> DriverOutput | None:
    return None if data is None else convert.driver_from_msg(codec.deserialize(data, interfaces.POLICY_OUTPUT.type))


def frames(path: Path | str) -> Iterator[Frame]:
    """The frames of a clip in time order: every scene that the policy or the expert answered (10 Hz).

    Raises TakeadError for a bag that is none, is damaged, or lacks the topics of a takead clip.
    """
    path = Path(path)
    aligner = _Aligner(path)
    for message in read(path):
        aligner.take(message)
        yield from aligner.ready(message.stamp)
    missing = [one for one in (interfaces.SCENE, interfaces.CLIP_LABEL) if one not in aligner.seen]
    if not aligner.seen & {interfaces.POLICY_OUTPUT, interfaces.EXPERT_OUTPUT}:
        missing.append(interfaces.POLICY_OUTPUT)
    if missing:
        wanted = ", ".join(f"'.../{one.name}' ({one.type})" for one in missing)
        raise TakeadError(f"bag '{path}': no messages on {wanted}; expected a clip recorded by takead_ros")
    yield from aligner.ready(1 << 62)


def manifest(path: Path | str) -> ClipManifest:
    """What a clip says about itself (``manifest.json``, else the copy in the bag).

    Raises TakeadError where there is none or it does not fit the schema.
    """
    path = Path(path)
    beside = path / MANIFEST_FILE
    if beside.is_file():
        return _manifest_beside(beside)
    inside = manifest_inside(path)
    if inside is None:
        raise TakeadError(
            f"clip '{path}': no {MANIFEST_FILE} and none in the bag; expected a clip recorded by takead_ros"
        )
    return inside


def manifest_inside(path: Path | str) -> ClipManifest | None:
    """The copy of the manifest in a clip's bag; None where it has none. Raises TakeadError where it cannot be read."""
    for file in bag_files(Path(path)):
        text = _indexed_manifest(file)
        if text is None:
            scan = Scan()
            for _ in salvage(file, scan):
                pass
            text = scan.manifest
            if text is None and scan.damage:
                raise TakeadError(f"bag file '{file}': damaged, {scan.damage}; try: takead clips recover {path}")
        if text is not None:
            return parse_manifest(text, file)
    return None


def agreed_manifest(path: Path | str) -> ClipManifest:
    """The manifest of a clip whose two copies agree in all that was recorded: seeds, model, events, digest.

    For those who learn from clips: a clip that was edited, or that lost a copy, is refused with TakeadError.
    """
    path = Path(path)
    inside, beside = manifest_inside(path), path / MANIFEST_FILE
    if inside is None or not beside.is_file():
        lost = "the bag holds no manifest" if inside is None else f"{MANIFEST_FILE} is missing"
        raise TakeadError(f"clip '{path}': {lost}; expected both copies (see: takead clips verify)")
    outside = _manifest_beside(beside)
    before, after = inside.as_recorded(), outside.as_recorded()
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        raise TakeadError(
            f"clip '{path}': {MANIFEST_FILE} and the manifest in the bag differ in '{changed[0]}'; "
            "expected what was recorded (see: takead clips verify)"
        )
    return outside


def _manifest_beside(file: Path) -> ClipManifest:
    try:
        if file.stat().st_size > MAX_MANIFEST:
            raise TakeadError(f"clip manifest '{file}': {file.stat().st_size} bytes; expected at most {MAX_MANIFEST}")
        return parse_manifest(content_of(file), file)
    except OSError as problem:
        raise TakeadError(f"clip manifest '{file}': {problem.strerror}; expected a file that can be read") from problem


def _indexed_manifest(file: Path) -> str | None:
    """The manifest by the index at the file's end; None where that does not lead to one."""
    try:
        with open_file(file) as stream:
            for record in make_reader(stream).iter_metadata():
                if record.name == METADATA_NAME:
                    return record.metadata.get("manifest")
    except (OSError, *DAMAGE):
        return None
    return None


@dataclass(frozen=True)
class Broken:
    """A clip that cannot be read, and why."""

    path: Path
    why: str


@dataclass(frozen=True)
class Shelf:
    """The closed clips of a folder, by name, and those that cannot be read: one bad clip never hides the others."""

    clips: list[tuple[Path, ClipManifest]]
    broken: list[Broken]


def read_clips(path: Path | str) -> Shelf:
    """The clip ``path`` itself (a folder or an ``.mcap`` file), or the closed clips below it, with their manifests.

    Raises TakeadError where ``path`` is neither.
    """
    path, shelf = Path(path), Shelf([], [])
    for clip in [path] if path.is_file() else list_clips(path):
        try:
            shelf.clips.append((clip, manifest(clip)))
        except TakeadError as problem:
            shelf.broken.append(Broken(clip, str(problem)))
    return shelf


def list_clips(folder: Path | str) -> list[Path]:
    """The closed clips below ``folder`` (or ``folder`` itself), by name: folders with a manifest, or with a bag that
    may hold the copy of a lost one. Raises TakeadError where it is no folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise TakeadError(f"clip folder '{folder}': no such folder; expected one with clips in it")
    bags = {path.parent for path in folder.rglob("*.mcap") if (path.parent / "metadata.yaml").is_file()}
    found = bags | {path.parent for path in folder.rglob(MANIFEST_FILE)}
    return sorted(path for path in found if not _is_no_clip(path, folder))


def _is_no_clip(path: Path, folder: Path) -> bool:
    return path.name.endswith(NOT_CLIPS) or TRASH in path.relative_to(folder).parts


def list_unfinished(folder: Path | str) -> list[Path]:
    """Clips below ``folder`` that were cut off while being recorded (or are being recorded right now)."""
    folder = Path(folder)
    if not folder.is_dir():
        raise TakeadError(f"clip folder '{folder}': no such folder; expected one with clips in it")
    found = (path for path in folder.rglob(f"*{OPEN_SUFFIX}") if path.is_dir() and not path.is_symlink())
    return sorted(path for path in found if TRASH not in path.relative_to(folder).parts)
