"""Which recorded drives were perfect, by what the driving itself was scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.runs.results import read_evaluation

PERFECT = 100.0 - 1e-6  # Driving Score


def perfect_clips(files: Sequence[Path]) -> frozenset[str]:
    """Ids of the clips of all episodes with a Driving Score of 100 in JSON files of ``takead drive``.

    Raises TakeadError where a file cannot be read or is none, and where there is no such episode.
    """
    found = {
        Path(clip).name
        for file in files
        for episode in read_evaluation(file).episodes
        if episode.driving_score >= PERFECT
        for clip in episode.clips
    }
    if not found:
        raise TakeadError("--perfect: no episode with a Driving Score of 100 and a clip; expected at least one")
    return frozenset(found)
