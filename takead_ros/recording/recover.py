"""Repairs clips that were cut off by a kill or a power cut, or damaged since."""

from __future__ import annotations

import fcntl
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from takead_ros.domain.driving import EventKind, TakeoverEvent, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.files import content_of, open_file
from takead_ros.messages import codec, convert, interfaces
from takead_ros.recording import clip_manifests
from takead_ros.recording.bag import DAMAGE, BagMessage, Scan, salvage
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.clip import (
    MANIFEST_FILE,
    ClipEvent,
    ClipManifest,
    Kind,
    Label,
    Provenance,
    Recovery,
    TopicCount,
)
from takead_ros.recording.clip import parse_manifest as parse
from takead_ros.recording.gaps import header_stamp
from takead_ros.recording.labels import is_casual, label_bytes, label_of
from takead_ros.recording.open_clip import SessionConfig
from takead_ros.recording.recorder import describe
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.trash import clip_files, remove_files
from takead_ros.recording.verify import verify_clip
from takead_ros.recording.writer import OPEN_SUFFIX, ClipWriter, write_durably

DAMAGED_SUFFIX = ".damaged"
_WORK_SUFFIX = ".recovering"
_LABEL = BagTopic(interfaces.CLIP_LABEL.type)


@dataclass(frozen=True)
class Recovered:
    """``clip``: the repaired clip, or None where nothing could be saved. ``kept``: where the original now is, None
    where the repaired clip holds all that the original did."""

    source: Path
    clip: Path | None
    messages: int
    damage: str
    kept: Path | None


@dataclass
class _Content:
    """What could be read of a bag, without the messages themselves: they may be more than fits in memory."""

    scan: Scan
    first: int = 0  # receive stamp
    labels: dict[int, deque[Label | None]] = field(default_factory=dict)  # by receive stamp of their scenes, in order
    events: list[TakeoverEvent] = field(default_factory=list)
    foreseen: int = -1
    torn: bool = True  # the only damage is that the file breaks off


def recover_clip(source: Path) -> Recovered:
    """Make a whole clip of ``source`` (a ``.recording`` folder or a damaged clip). Nothing readable is dropped.

    A clip that was merely cut off is replaced by the repaired one; a damaged original is kept as ``<id>.damaged``, and
    so is one in whose folder somebody put something else. A clip that only lost ``manifest.json`` gets it back from its
    bag. Raises TakeadError where ``source`` holds no bag or is being recorded right now.
    """
    if (restored := _restored(source)) is not None:
        return restored
    files = sorted(source.glob("*.mcap")) if source.is_dir() else []
    if len(files) != 1:
        raise TakeadError(
            f"clip '{source}': holds {len(files)} .mcap files; expected a clip folder with one (recorded by takead_ros)"
        )
    with open_file(files[0]) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise TakeadError(f"clip '{source}': it is being recorded right now; stop the recorder first") from None
        content = _read(files[0])
    if not content.scan.messages:
        return Recovered(source, None, 0, content.scan.damage or "no message in it", source)
    final = source.with_name(source.name.removesuffix(OPEN_SUFFIX).removesuffix(DAMAGED_SUFFIX))
    if source != final and final.exists():
        raise TakeadError(
            f"clip '{source}': '{final}' exists already; expected it to be missing (nothing is overwritten)"
        )
    manifest = _manifest(source, final.name, content)
    work = final.with_name(final.name + _WORK_SUFFIX)
    if work.exists():
        remove_files(work, clip_files(work, final.name))  # left by a recovery that was cut off; the source is whole
    work.mkdir()
    writer = ClipWriter(work, final, manifest, content.scan.topics | {_label_topic(content): _LABEL})
    labels: dict[str, int] = {}
    for message in _labelled(salvage(files[0], Scan(), past_damage=True), content, manifest, labels):
        writer.write(message)
    manifest.labels = labels
    received = manifest.topics
    manifest.topics = {
        topic: TopicCount(type=content.scan.topics.get(topic, _LABEL).type, written=count, received=count)
        for topic, count in sorted(writer.written.items())
    }
    for topic, count in received.items():
        losses = {name: n for name, n in count.model_dump().items() if name.startswith("lost_")}
        if any(losses.values()):
            known = manifest.topics.setdefault(topic, TopicCount(type=count.type))
            came = count.lost_queue + count.lost_disk + count.lost_ring
            manifest.topics[topic] = known.model_copy(update={**losses, "received": known.written + came})
    kept = None
    if source == final:
        kept = source.with_name(final.name + DAMAGED_SUFFIX)
        if kept.exists():
            raise TakeadError(f"clip '{source}': '{kept}' exists already; move it away first (nothing is overwritten)")
        source.rename(kept)
    writer.close(manifest)
    if source != final:
        if content.torn and not {path.name for path in source.iterdir()} - clip_files(source, final.name):
            remove_files(source, clip_files(source, final.name))
        elif source.name.endswith(OPEN_SUFFIX):
            kept = source.rename(source.with_name(final.name + DAMAGED_SUFFIX))
    return Recovered(source, final, content.scan.messages, content.scan.damage, kept)


def _restored(source: Path) -> Recovered | None:
    """Put a lost ``manifest.json`` back where nothing else is wrong; None where that is not the case."""
    if source.name.endswith((OPEN_SUFFIX, DAMAGED_SUFFIX)) or (source / MANIFEST_FILE).exists():
        return None
    try:
        inside = clip_manifests.manifest_inside(source)
    except TakeadError:
        return None
    if inside is None or inside.clip_id != source.resolve().name or inside.state == "recording":
        return None
    write_durably(source / MANIFEST_FILE, inside.to_json())
    report = verify_clip(source)
    if not report.ok:
        (source / MANIFEST_FILE).unlink()
        return None
    return Recovered(source, source, report.messages, f"{MANIFEST_FILE} was missing", None)


def _read(file: Path) -> _Content:
    content = _Content(Scan())
    texts = {label_bytes(label): label for label in Label}
    for message in salvage(file, content.scan, past_damage=True):
        content.first = message.stamp if not content.first else min(content.first, message.stamp)
        try:
            if interfaces.CLIP_LABEL.matches(message.topic, message.type):
                content.labels.setdefault(message.stamp, deque()).append(texts.get(message.data))
            elif message.type == interfaces.EVENT.type:
                event = convert.event_from_msg(codec.deserialize(message.data, interfaces.EVENT.type))
                ClipEvent.of(event)
                content.events.append(event)
            elif message.type == interfaces.REQUEST.type:
                request = convert.request_from_msg(codec.deserialize(message.data, interfaces.REQUEST.type))
                if request.trigger not in (Trigger.NONE, Trigger.HUMAN_OVERRIDE, Trigger.BOOKMARK):
                    content.foreseen = max(content.foreseen, message.stamp)
        except (TakeadError, *DAMAGE):
            # Kept as bytes like everything else; it cannot speak for the manifest.
            content.torn = False
    content.torn = content.torn and content.scan.skipped == 0
    return content


def _manifest(source: Path, name: str, content: _Content) -> ClipManifest:
    """What the clip said of itself, as far as that can be read, brought in line with what is in the bag."""
    manifest = None
    beside = source / MANIFEST_FILE
    texts = [(content_of(beside), beside)] if beside.is_file() else []
    if content.scan.manifest is not None:
        texts.append((content.scan.manifest.encode(), beside))
    for text, origin in texts:
        try:
            manifest = manifest or parse(text, origin)
        except TakeadError:
            continue  # the other copy, or else what the bag itself shows
    if manifest is None:
        starts = any(event.kind is EventKind.START for event in content.events)
        others = any(event.kind is not EventKind.ARRIVAL for event in content.events)
        kind: Kind = "takeover" if starts else "bookmark" if others else "demonstration"
        manifest = ClipManifest(
            clip_id=name,
            kind=kind,
            state="recovered",
            classification=kind,
            trigger="none",
            who="none",
            why="",
            severity=0.0,
            start=content.first,
            end=content.first,
            events=[],
            provenance=Provenance(),
            windows=SessionConfig().windows,
        )
    if manifest.kind == "bookmark" and any(event.kind is EventKind.START for event in content.events):
        manifest.kind = "takeover"
    casual = is_casual(content.events, content.foreseen >= content.first, SessionConfig.casual_s)
    describe(manifest, [ClipEvent.of(event) for event in content.events], casual)
    manifest.state = "recovered"
    manifest.closed_by = manifest.closed_by or "cut off"
    manifest.recovery = Recovery(
        messages=content.scan.messages, damage=content.scan.damage or "none", at_byte=content.scan.good
    )
    return manifest


def _label_topic(content: _Content) -> str:
    scene = interfaces.SCENE
    scenes = [topic for topic, known in content.scan.topics.items() if scene.matches(topic, known.type)]
    return interfaces.CLIP_LABEL.full_name(scenes[0].removesuffix(scene.name) if scenes else "/takead")


def _labelled(
    messages: Iterator[BagMessage], content: _Content, manifest: ClipManifest, counts: dict[str, int]
) -> Iterator[SerializedMessage]:
    """The messages, with a label added for each scene that has none."""
    topic = _label_topic(content)
    transition = int(manifest.windows.get("start_transition", SessionConfig.start_transition_s) * SECOND)
    post = int(manifest.windows.get("post", SessionConfig.post_s) * SECOND)
    for message in messages:
        yield SerializedMessage(message.topic, message.stamp, message.data)
        if not interfaces.SCENE.matches(message.topic, message.type):
            continue
        waiting = content.labels.get(message.stamp)
        label = waiting.popleft() if waiting else None
        if label is None:
            label = Label.DEMONSTRATION
            if manifest.kind != "demonstration":
                label = label_of(header_stamp(message.data), content.events, transition, post)
            yield SerializedMessage(topic, message.stamp, label_bytes(label))
        if label is not None:
            counts[label.value] = counts.get(label.value, 0) + 1
