"""Which recorded drives were perfect, by what the driving itself was scored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from takead_ros.domain.errors import TakeadError

PERFECT = 100.0 - 1e-6  # Driving Score


def perfect_clips(files: Sequence[Path]) -> frozenset[str]:
    """Ids of the clips of all episodes with a Driving Score of 100 in JSON files of ``takead drive``.

    Raises TakeadError where a file cannot be read or is none.
    """
    found: set[str] = set()
    for file in files:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            for episode in content["episodes"]:
                if float(episode["driving_score"]) >= PERFECT:
                    found.update(Path(clip).name for clip in episode["clips"])
        except OSError as problem:
            raise TakeadError(
                f"--perfect '{file}': {problem.strerror or problem}; expected 'takead drive --json'"
            ) from (problem)
        except (ValueError, KeyError, TypeError) as problem:
            raise TakeadError(
                f"--perfect '{file}': not the JSON of 'takead drive' ({type(problem).__name__}: {problem}); expected "
                "episodes, each with driving_score and clips"
            ) from problem
    if not found:
        raise TakeadError("--perfect: no episode with a Driving Score of 100 and a clip; expected at least one")
    return frozenset(found)
