"""Is a clip whole, and does it hold what its manifest says?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from mcap.reader import make_reader

from takead_ros.domain.errors import TakeadError
from takead_ros.files import content_of, open_file
from takead_ros.messages import codec
from takead_ros.recording import clip_manifests, reader
from takead_ros.recording.bag import DAMAGE, Scan, bag_files, salvage
from takead_ros.recording.bag_metadata import load_yaml
from takead_ros.recording.clip import MANIFEST_FILE, ClipManifest
from takead_ros.recording.digest import ContentDigest, recorded_digest


@dataclass
class Report:
    """``problems`` is empty for a whole clip."""

    path: Path
    messages: int = 0
    lost: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify_clip(path: Path) -> Report:
    """Read everything of a clip: structure, checksums, index, metadata, manifest, labels, every message.

    Never raises for what the clip holds; what is wrong is in the report.
    """
    report = Report(path)
    try:
        files = bag_files(path)
        manifest = clip_manifests.read_manifest(path)
    except TakeadError as problem:
        report.problems.append(str(problem))
        return report
    report.lost = manifest.lost
    counts: dict[str, int] = {}
    for file in files:
        _check_file(file, report, counts)
    if report.ok and path.is_dir():
        _check_metadata(path, counts, report)
        _check_manifest(path, manifest, counts, report)
    if report.ok:
        _check_frames(path, manifest, report)
    return report


def _check_file(file: Path, report: Report, counts: dict[str, int]) -> None:
    scan, digest = Scan(), ContentDigest()
    undecodable: dict[str, str] = {}
    for message in salvage(file, scan):
        digest.add(message.topic, message.stamp, message.data)
        counts[message.topic] = counts.get(message.topic, 0) + 1
        try:
            codec.deserialize(message.data, message.type)
        except (TakeadError, *DAMAGE) as problem:
            if "is unknown" not in str(problem):
                undecodable.setdefault(message.topic, f"{message.stamp} ns: {problem}")
    report.messages += scan.messages
    if scan.damage:
        report.problems.append(f"'{file.name}': {scan.damage}, after byte {scan.good} of {file.stat().st_size}")
    report.problems += [f"'{topic}': message at {text}" for topic, text in undecodable.items()]
    if not scan.damage and recorded_digest(scan.manifest) not in ("", digest.hexdigest()):
        report.problems.append(f"'{file.name}': its messages are not the ones that were recorded (content digest)")
    if not scan.damage:
        try:
            with open_file(file) as stream:
                found = make_reader(stream).get_summary()
            if found is None or found.statistics is None or found.statistics.message_count != scan.messages:
                report.problems.append(f"'{file.name}': the index at its end does not fit the {scan.messages} messages")
        except DAMAGE as problem:
            report.problems.append(f"'{file.name}': the index at its end cannot be read ({problem})")


def _check_metadata(path: Path, counts: dict[str, int], report: Report) -> None:
    try:
        content: Any = load_yaml(content_of(path / "metadata.yaml"))["rosbag2_bagfile_information"]
        listed = {
            str(topic["topic_metadata"]["name"]): int(topic["message_count"])
            for topic in content["topics_with_message_count"]
        }
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError, OSError) as problem:
        report.problems.append(f"'metadata.yaml': not rosbag2's ({type(problem).__name__})")
        return
    if listed != counts:
        wrong = sorted(topic for topic in {*listed, *counts} if listed.get(topic) != counts.get(topic))
        report.problems.append(f"'metadata.yaml': wrong message counts for {', '.join(wrong)}")


def _check_manifest(path: Path, manifest: ClipManifest, counts: dict[str, int], report: Report) -> None:
    if manifest.state == "recording":
        report.problems.append(f"'{MANIFEST_FILE}': the clip was never closed")
    if manifest.clip_id != path.resolve().name:
        report.problems.append(f"'{MANIFEST_FILE}': clip_id is '{manifest.clip_id}', expected the folder's name")
    for topic, count in manifest.topics.items():
        if counts.get(topic, 0) != count.written:
            report.problems.append(
                f"'{MANIFEST_FILE}': {count.written} messages on {topic}, the bag holds {counts.get(topic, 0)}"
            )
    try:
        clip_manifests.agreed_manifest(path)
    except TakeadError as problem:
        report.problems.append(str(problem))


def _check_frames(path: Path, manifest: ClipManifest, report: Report) -> None:
    try:
        labels: dict[str, int] = {}
        for frame in reader.frames(path):
            labels[frame.label.value] = labels.get(frame.label.value, 0) + 1
    except TakeadError as problem:
        report.problems.append(str(problem))
        return
    strange = sorted(label for label in labels if label not in manifest.labels)
    if strange:
        report.problems.append(f"frames labelled {', '.join(strange)}, which the manifest does not know")
