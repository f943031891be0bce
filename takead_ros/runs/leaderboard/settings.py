"""What a leaderboard's agent is told by ``--agent-config``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import Parameters, validated
from takead_ros.files import parse_json, read_file
from takead_ros.vehicles.carla.control import PedalParameters


class AgentSettings(Parameters):
    """model: an ONNX policy. takeovers: whether the expert may take over, with clips in ``bags``. scores: a file to
    which the project's own measures of each route are added, one line of JSON each. track: the evaluator's; an agent
    that reads the map and the world is no SENSORS agent, but Bench2Drive's scripts know no other."""

    model: str = Field(min_length=1)
    takeovers: bool = False
    bags: str | None = None
    scores: str | None = None
    track: Literal["MAP", "SENSORS"] = "MAP"
    pedals: PedalParameters = PedalParameters()


def read_settings(path: str) -> AgentSettings:
    """From a JSON file, or from a model's path alone. Raises TakeadError that names what is wrong."""
    if not path.endswith(".json"):
        return AgentSettings(model=path)
    text = read_file(Path(path), "settings of the agent in JSON")
    try:
        content = parse_json(text)
    except ValueError as error:
        raise TakeadError(f"{path}: {error}; expected settings of the agent in JSON") from error
    return validated(AgentSettings, content)
