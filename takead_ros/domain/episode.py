"""Which episode is being driven: what a simulator or a vehicle side says at each start, and a clip's manifest keeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpisodeIdentity:
    """One drive from its start; texts are empty and ``seed`` is None where they do not apply.

    stamp: ns of the start. scenario: the family of ``suite``, with ``seed`` a pure function. route: what is driven
    where no scenario says it. map: name of the road map. simulator: name and version.
    """

    stamp: int = 0
    suite: str = ""
    scenario: str = ""
    seed: int | None = None
    route: str = ""
    map: str = ""
    simulator: str = ""
