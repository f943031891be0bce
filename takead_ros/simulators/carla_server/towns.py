"""Where the server's maps come from: towns that this project fetches, OpenDRIVE files by path."""

from __future__ import annotations

from pathlib import Path

from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.maps.towns import MAP_SHA256, map_file
from takead_ros.simulators.carla_server.town import TownMap, read_town_map

FOLDER = "Carla/Maps/"


class KnownTowns:
    """The towns by name, and further OpenDRIVE files by the names of their files."""

    def __init__(self, files: tuple[Path, ...] = ()) -> None:
        self._files = {path.stem: path for path in files}

    def names(self) -> list[str]:
        """As CARLA tells them."""
        return [f"/Game/{FOLDER}{name}" for name in sorted({*MAP_SHA256, *self._files})]

    def load(self, name: str) -> TownMap:
        """``name`` with or without the folders in front. Raises TakeadError."""
        short = name.rsplit("/", 1)[-1]
        if short in self._files:
            path = self._files[short]
        elif short in MAP_SHA256:
            path = map_file(short)
        else:
            raise unknown("map", short, {*MAP_SHA256, *self._files})
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TakeadError(f"{path}: {error}, expected an OpenDRIVE text") from error
        return read_town_map(f"{FOLDER}{short}", text)
