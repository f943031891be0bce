"""Which clips of a folder are meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from takead_ros.domain.driving import Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.recording.clip import CLASSIFICATIONS, ClipManifest
from takead_ros.recording.clip_folders import Shelf


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
        for text in (self.since, self.until):
            if text:
                _check_date(text)

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


def _check_date(text: str) -> None:
    """Raises TakeadError where ``text`` is no day of the calendar, written YYYY-MM-DD."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError("another form")
        date.fromisoformat(text)
    except ValueError as problem:
        raise TakeadError(f"date '{text}': expected a day as YYYY-MM-DD ({problem})") from problem


def matching(shelf: Shelf, criteria: Filter) -> list[tuple[Path, ClipManifest]]:
    """The clips of ``shelf`` that match, by name. Raises TakeadError for a scenario that none of them is of, where
    others are there: it is a misspelt one."""
    known = sorted({manifest.provenance.scenario for _, manifest in shelf.clips} - {""})
    if criteria.scenario and known and criteria.scenario not in known:
        raise TakeadError(f"scenario '{criteria.scenario}': no clip here is of it; there are {', '.join(known)}")
    return [(path, manifest) for path, manifest in shelf.clips if criteria.matches(manifest)]
