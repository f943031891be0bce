"""Where the package's data files are: interface definitions, configuration, the baseline model.

Three homes: a source checkout (beside this package), an installed wheel (inside it), a ROS 2 install (share folder).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Path of data file or folder ``name`` (such as ``msg`` or ``config/suites``).

    Raises FileNotFoundError that names every place looked at.
    """
    homes = [_PACKAGE.parent, _PACKAGE / "data", *(p / "share" / "takead_ros" for p in _PACKAGE.parents)]
    for home in homes:
        if (home / name).exists():
            return home / name
    looked = ", ".join(str(home / name) for home in homes)
    raise FileNotFoundError(f"takead_ros data '{name}' is in none of: {looked}; reinstall the package")


def yaml_names(folder: str) -> list[str]:
    """The names of the YAML files of the data folder ``folder``, such as ``config/suites``."""
    return sorted(path.stem for path in resource(folder).glob("*.yaml"))
