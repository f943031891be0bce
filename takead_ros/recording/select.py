"""Which clips of a folder are meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from takead_ros.domain.driving import Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.recording import reader
from takead_ros.recording.clip import CLASSIFICATIONS, ClipManifest


@dataclass(frozen=True)
class Filter:
    """What to look for; an empty field matches everything. Dates are ``YYYY-MM-DD``; ``model`` begins the sha256.

    Raises TakeadError for a trigger, class, severity or date that cannot be.
    """

    trigger: str = ""
    classification: str = ""
    min_severity: float = 0.0
    model: str = ""
    scenario: str = ""
    since: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        triggers = [trigger.name.lower() for trigger in Trigger]
        if self.trigger and self.trigger not in triggers:
            raise TakeadError(f"trigger '{self.trigger}': expected one of {', '.join(triggers)}")
        if self.classification and self.classification not in CLASSIFICATIONS:
            raise TakeadError(f"class '{self.classification}': expected one of {', '.join(CLASSIFICATIONS)}")
        if not 0.0 <= self.min_severity <= 1.0:
            raise TakeadError(f"severity {self.min_severity}: expected 0 to 1")
        for date in (self.since, self.until):
            if date and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
                raise TakeadError(f"date '{date}': expected YYYY-MM-DD")

    def matches(self, manifest: ClipManifest) -> bool:
        day = manifest.provenance.created[:10]
        triggers = {event.trigger for event in manifest.events if event.kind in ("start", "bookmark")}
        return (
            (not self.trigger or self.trigger in triggers)
            and (not self.classification or self.classification == manifest.judged)
            and manifest.severity >= self.min_severity
            and manifest.provenance.model_sha256.startswith(self.model)
            and (not self.scenario or self.scenario == manifest.provenance.scenario)
            and (not self.since or (bool(day) and day >= self.since))
            and (not self.until or (bool(day) and day <= self.until))
        )


def matching(folder: Path, wanted: Filter) -> list[tuple[Path, ClipManifest]]:
    """The closed clips below ``folder`` that match, by name."""
    clips = [(path, reader.manifest(path)) for path in reader.list_clips(folder)]
    return [(path, manifest) for path, manifest in clips if wanted.matches(manifest)]
