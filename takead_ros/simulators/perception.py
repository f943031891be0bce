"""The settings of a vehicle's perception by name; what they do to a scene is ``domain.perception``."""

from __future__ import annotations

import zlib
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import validated
from takead_ros.domain.perception import Perception, PerceptionSettings
from takead_ros.files import read_yaml
from takead_ros.resources import resource, yaml_names
from takead_ros.scenarios.spec import Scenario
from takead_ros.scenarios.suites import NONE

FOLDER = "config/perception"


def perception_names() -> list[str]:
    """The settings that come with the package, beside ``none``."""
    return yaml_names(FOLDER)


def load_perception(name: str) -> PerceptionSettings:
    """Settings by name (``none``, or a file in config/perception), or of the YAML file at the path ``name``.

    Raises TakeadError that names the file, the setting, its value and what is expected.
    """
    if name == NONE:
        return PerceptionSettings()
    path = resource(FOLDER) / f"{name}.yaml" if name in perception_names() else Path(name)
    expected = f"{NONE}, {', '.join(perception_names())} or a YAML file of settings"
    try:
        content = read_yaml(path, expected)
    except TakeadError as error:
        raise TakeadError(f"perception {error}") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise TakeadError(f"perception '{name}': not a list of settings with values; expected {expected}")
    try:
        return validated(PerceptionSettings, content)
    except TakeadError as error:
        raise TakeadError(f"{path}: {error}") from error


def chance_seed(scenario: Scenario) -> int:
    """The seed of a scenario's perception: the same in every simulator."""
    return (zlib.crc32(scenario.family.encode()) << 31) ^ scenario.seed


def perception(settings: PerceptionSettings, scenario: Scenario, step_s: float) -> Perception:
    """The perception of one drive through ``scenario`` in steps of ``step_s`` s.

    Raises TakeadError where the settings do not fit the step.
    """
    return Perception(settings, step_s, chance_seed(scenario))
