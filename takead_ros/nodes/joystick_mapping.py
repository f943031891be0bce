"""The files that say what the axes and buttons of a joystick mean."""

from __future__ import annotations

from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import validated
from takead_ros.files import read_yaml
from takead_ros.resources import resource
from takead_ros.takeover.joystick import JoystickMapping


def load_mapping(name: str) -> JoystickMapping:
    """The mapping file ``name`` (a name in config/joysticks, or a path).

    Raises TakeadError naming the file, the field, its value and what fits.
    """
    folder = resource("config") / "joysticks"
    path = Path(name) if "/" in name or name.endswith(".yaml") else folder / f"{name}.yaml"
    known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
    content = read_yaml(path, f"mapping '{name}' to be a path or one of {known}")
    if not isinstance(content, dict):
        raise TakeadError(f"mapping {path}: expected name, steering, throttle, brake and buttons, got {content!r}")
    try:
        return validated(JoystickMapping, content)
    except TakeadError as error:
        raise TakeadError(f"mapping {path}: {error}") from error
