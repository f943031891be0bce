"""What a clip says about itself: the manifest, kept in the bag (MCAP metadata) and beside it (``manifest.json``)."""

from __future__ import annotations

import json
import math
import re
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, Trigger
from takead_ros.domain.errors import TakeadError

MANIFEST_FILE = "manifest.json"
METADATA_NAME = "takead/manifest"  # name of the MCAP metadata record
MAX_MANIFEST = 16 * 1024 * 1024  # bytes
NAME_PART = 64  # characters of each part of a clip's id
Int64 = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]


class Label(str, Enum):
    """What a frame is, by the stamp of its scene.

    PRE: the policy drives, before the trigger. TAKEOVER_START: the transition right after a trigger. TAKEOVER: expert
    or human drives. HANDBACK: the ramp back. POST: the policy drives again. DEMONSTRATION: a whole run of the expert.
    """

    PRE = "pre"
    TAKEOVER_START = "takeover_start"
    TAKEOVER = "takeover"
    HANDBACK = "handback"
    POST = "post"
    DEMONSTRATION = "demonstration"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=(), allow_inf_nan=False)


class Provenance(_Model):
    """From what a sceptic can rebuild the moment. ``created`` is wall-clock text given by the caller."""

    suite: str = ""
    scenario: str = ""
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] | None = None
    route: str = ""
    map: str = ""
    simulator: str = ""
    model_sha256: str = ""
    version: str = ""
    namespace: str = ""
    created: str = ""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)

    @field_validator("parameters")
    @classmethod
    def _finite(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        json.dumps(value, allow_nan=False)  # a ValueError, which pydantic reports, for NaN and infinity
        return value


class ClipEvent(_Model):
    """A takeover event in the clip; ``stamp`` ns is that of the observation on which it was decided."""

    stamp: Int64
    kind: Literal["start", "handback", "end", "bookmark", "arrival"]
    takeover: int
    who: str
    trigger: str
    severity: float
    time_to_event: float | None
    why: str

    @staticmethod
    def of(event: TakeoverEvent) -> ClipEvent:
        """Raises TakeadError for a number that is not finite: no manifest holds one."""
        if not math.isfinite(event.severity) or not math.isfinite(event.time_to_event or 0.0):
            raise TakeadError(
                f"takeover event {event.takeover}: severity {event.severity}, time to event {event.time_to_event}; "
                "expected finite numbers"
            )
        return ClipEvent(
            stamp=event.stamp,
            kind=EventKind(event.kind).name.lower(),  # type: ignore[arg-type]
            takeover=event.takeover,
            who=Source(event.who).name.lower(),
            trigger=Trigger(event.trigger).name.lower(),
            severity=event.severity,
            time_to_event=event.time_to_event,
            why=event.why,
        )


class TopicCount(_Model):
    """How a topic fared while the clip was open; ``lost_*`` say where messages went missing.

    received: came in during the window. written: are in the bag. lost_gap: never came (gaps in the header stamps of a
    periodic topic, or in the publisher's own numbers where the middleware has them). lost_ring: fell out of the ring
    for lack of bytes. lost_queue: came, but the disk was too slow. lost_disk: came, but the disk refused it.
    """

    type: str
    received: int = 0
    written: int = 0
    lost_gap: int = 0
    lost_ring: int = 0
    lost_queue: int = 0
    lost_disk: int = 0


class Relabel(_Model):
    """What a person says that the recorder did not know."""

    classification: str
    by: str = ""
    note: str = ""
    at: str = ""


class Recovery(_Model):
    """How a clip that was cut off was repaired."""

    messages: int
    damage: str
    at_byte: int


Kind = Literal["takeover", "bookmark", "demonstration"]
Classification = Literal["takeover", "casual_override", "bookmark", "demonstration"]
CLASSIFICATIONS: tuple[str, ...] = ("takeover", "casual_override", "bookmark", "demonstration", "false_alarm")


class ClipManifest(_Model):
    """DESIGN section 6. Stamps are ns of the host's clock; ``start``/``end`` bound the receive stamps in the bag.

    ``content_sha256``: see ``digest``. ``relabel``: what a person said last, ``earlier_labels``: before that.
    """

    schema_version: Literal[1] = 1
    clip_id: str
    kind: Kind
    state: Literal["recording", "complete", "recovered"]
    classification: Classification
    trigger: str
    who: str
    why: str
    severity: float
    start: Int64
    end: Int64
    events: list[ClipEvent]
    labels: dict[str, int] = Field(default_factory=dict)
    topics: dict[str, TopicCount] = Field(default_factory=dict)
    provenance: Provenance
    windows: dict[str, float]
    complete_pre_window: bool = True
    cut_by_bytes: int = 0
    closed_by: str = ""
    continues: str = ""
    recovery: Recovery | None = None
    content_sha256: str = Field("", pattern="^([0-9a-f]{64})?$")
    relabel: Relabel | None = None
    earlier_labels: list[Relabel] = Field(default_factory=list)
    exported: list[str] = Field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Length of the clip in s."""
        return (self.end - self.start) / 1e9

    @property
    def judged(self) -> str:
        """The classification that counts: a person's where there is one."""
        return self.relabel.classification if self.relabel else self.classification

    @property
    def lost(self) -> int:
        """Messages that are missing, over all topics and causes."""
        return sum(t.lost_gap + t.lost_ring + t.lost_queue + t.lost_disk for t in self.topics.values())

    def as_recorded(self) -> dict[str, Any]:
        """Everything but what a person or an export adds later, beside the bag only."""
        return self.model_dump(exclude={"relabel", "earlier_labels", "exported"})

    def to_json(self) -> str:
        return json.dumps(self.model_dump(mode="json"), indent=2, allow_nan=False) + "\n"


def parse_manifest(text: str | bytes, origin: Path | str) -> ClipManifest:
    """The manifest in JSON ``text``. Raises TakeadError naming ``origin``, the field and what was expected."""
    if len(text) > MAX_MANIFEST:
        raise TakeadError(f"clip manifest '{origin}': {len(text)} bytes; expected at most {MAX_MANIFEST}")
    try:
        return ClipManifest.model_validate_json(text)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the document"
        raise TakeadError(
            f"clip manifest '{origin}': {field}: {first['msg']} (found {_short(first.get('input'))})"
        ) from problem


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def headline(events: list[ClipEvent]) -> ClipEvent | None:
    """The event that a clip is named after: the most severe takeover start, else the first bookmark."""
    starts = [event for event in events if event.kind == "start"]
    if starts:
        return max(starts, key=lambda event: (event.severity, -event.stamp))
    return next((event for event in events if event.kind == "bookmark"), None)


def clip_name(provenance: Provenance, start: int) -> str:
    """The clip id: scenario, seed, model and start stamp, so that two identical runs give the same ids."""
    parts = [provenance.scenario or "drive"]
    if provenance.seed is not None:
        parts.append(f"s{provenance.seed}")
    parts.append(provenance.model_sha256[:8] or "nomodel")
    parts.append(f"{start // 1_000_000:09d}ms")
    # No dot in front: such a folder would be hidden, or mean another one.
    return "_".join(re.sub(r"[^A-Za-z0-9.-]|^\.", "-", part[:NAME_PART]) for part in parts)
