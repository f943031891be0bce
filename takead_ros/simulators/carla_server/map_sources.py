"""Where the server's maps come from: towns that this project fetches, OpenDRIVE files by path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.files import read_file
from takead_ros.maps.towns import MAP_SHA256, map_file
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.carla_server.script import Script
from takead_ros.simulators.carla_server.town_map import TownMap, read_town_map

FOLDER = "Carla/Maps/"


class KnownTowns:
    """The towns by name, further OpenDRIVE files by the names of their files, and scenarios by their families'."""

    def __init__(self, files: tuple[Path, ...] = (), scenarios: tuple[Scenario, ...] = ()) -> None:
        self._files = {path.stem: path for path in files}
        self._scenarios = {scenario.family: scenario for scenario in scenarios}

    def names(self) -> list[str]:
        """As CARLA tells them."""
        return [f"/Game/{FOLDER}{name}" for name in sorted({*MAP_SHA256, *self._files, *self._scenarios})]

    def load(self, name: str) -> TownMap:
        """``name`` with or without the folders in front. Raises TakeadError."""
        short = name.rsplit("/", 1)[-1]
        if short in self._scenarios:
            script = Script(self._scenarios[short])
            return replace(read_town_map(f"{FOLDER}{short}", script.opendrive()), stage=script)
        if short in self._files:
            path = self._files[short]
        elif short in MAP_SHA256:
            path = map_file(short)
        else:
            raise unknown("map", short, {*MAP_SHA256, *self._files, *self._scenarios})
        try:
            text = read_file(path, "an OpenDRIVE text").decode()
        except UnicodeDecodeError as error:
            raise TakeadError(f"'{path}': {error}; expected an OpenDRIVE text") from error
        try:
            return read_town_map(f"{FOLDER}{short}", text)
        except TakeadError as error:
            raise TakeadError(f"'{path}': {error}") from error
