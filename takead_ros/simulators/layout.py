"""The roads of a scenario laid out as lanes, wherever they come from; no simulator is needed for it."""

from __future__ import annotations

from collections.abc import Callable

from takead_ros.domain.errors import TakeadError
from takead_ros.maps.build import build_lanes
from takead_ros.maps.lanemap import Lane
from takead_ros.maps.roads import OpenDriveMap, Roads
from takead_ros.maps.towns import load_town
from takead_ros.scenarios.spec import Scenario
from takead_ros.scenarios.town import compose_town


def _pieces(scenario: Scenario) -> tuple[list[Lane], Scenario]:
    assert isinstance(scenario.roads, Roads)
    return build_lanes(scenario.roads), scenario


def _town(scenario: Scenario) -> tuple[list[Lane], Scenario]:
    assert isinstance(scenario.roads, OpenDriveMap)
    town = load_town(scenario.roads.name)
    return list(town.lanes), compose_town(scenario, town.streets())


LAYOUTS: dict[type, Callable[[Scenario], tuple[list[Lane], Scenario]]] = {Roads: _pieces, OpenDriveMap: _town}


def lay_out(scenario: Scenario) -> tuple[list[Lane], Scenario]:
    """The lanes, and the scenario with whatever only the map knew of it (a town's route, actors and controls).

    Raises TakeadError for roads that a simulator has of its own, and for a town whose map cannot be had.
    """
    kind = type(scenario.roads)
    if kind not in LAYOUTS:
        raise TakeadError(
            f"scenario {scenario.family}: roads of kind {kind.__name__} belong to a simulator, "
            f"expected one of {', '.join(sorted(known.__name__ for known in LAYOUTS))}"
        )
    return LAYOUTS[kind](scenario)
