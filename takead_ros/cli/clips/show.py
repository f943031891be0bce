"""``takead clips show``: one clip's story."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say, stdout
from takead_ros.domain.errors import TakeadError
from takead_ros.files import new_output
from takead_ros.recording import clip_manifests, timeline
from takead_ros.recording.clip import ClipManifest

EXAMPLE = "Example: [bold]takead clips show runs/demo/round-1/clips/FAMILY-SEED/CLIP --picture a.png[/bold]"


def show(
    clip: Path = typer.Argument(..., help="A clip's folder."),
    picture: Path | None = typer.Option(None, help="Also draw the timeline into this new file, .png or .svg."),
    as_json: str | None = JSON,
) -> None:
    """Tell a clip's story: provenance, events, and a timeline."""
    json_file(as_json)
    manifest = clip_manifests.read_manifest(clip)
    story = timeline.read_story(clip)
    if picture is not None:
        if picture.suffix not in (".png", ".svg"):
            raise TakeadError(f"--picture '{picture}': unknown ending '{picture.suffix}', expected .png or .svg")
        with new_output(picture):
            timeline.draw_timeline(story, manifest, picture)
    drawn = None if picture is None else str(picture)
    found = {**manifest.model_dump(mode="json"), "picture": drawn, "frames": len(story.stamps)}
    if as_json != STDOUT:
        for line in _described(manifest):
            say(line)
        say()
        for line in timeline.text(story, manifest, max(40, min(stdout.width, 100) - 12)):
            say(line)
        if drawn:
            say()
            say(f"picture: {drawn}")
    give_json(found, as_json)


def _described(manifest: ClipManifest) -> list[str]:
    """The manifest in a few lines for a person."""
    source = manifest.provenance
    origin = [f"scenario {source.scenario or '-'}", f"seed {'-' if source.seed is None else source.seed}"]
    origin += [f"suite {source.suite}"] if source.suite else []
    lines = [
        f"clip      {manifest.clip_id} ({manifest.state}, {manifest.seconds:.1f} s)",
        f"class     {manifest.judged}" + (f" (recorder said {manifest.classification})" if manifest.relabel else ""),
        f"trigger   {manifest.trigger}, severity {manifest.severity:.2f}, {manifest.who} drove: {manifest.why or '-'}",
        f"from      {', '.join(origin)}, model {source.model_sha256[:12] or '-'}, takead_ros {source.version or '-'}",
        f"frames    {', '.join(f'{count} {label}' for label, count in manifest.labels.items()) or '-'}",
    ]
    lost = [f"{topic} {c}" for topic, t in manifest.topics.items() if (c := _lost(t.model_dump()))]
    lines.append(f"lost      {', '.join(lost) or 'nothing'}")
    if not manifest.complete_pre_window:
        lines.append("note      the ring's byte bound cut the time before the trigger short")
    if manifest.recovery:
        lines.append(f"repaired  {manifest.recovery.messages} messages saved; damage: {manifest.recovery.damage}")
    return lines


def _lost(count: Mapping[str, object]) -> str:
    """The losses of one topic in words; empty where there are none."""
    return " ".join(f"{name[5:]}={n}" for name, n in count.items() if name.startswith("lost_") and n)
