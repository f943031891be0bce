"""Scenario families: each a pure function of a seed. ``build(family, seed)`` is the only way in.

FAMILIES are short and make up the suite ``core`` (``families.SHORT``); OTHER_FAMILIES belong to suites of their own.
"""

from __future__ import annotations

from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.scenarios import deploy, long, safe_metadrive, town
from takead_ros.scenarios.families import SHORT
from takead_ros.scenarios.family import Family
from takead_ros.scenarios.spec import Ability, Actor, Scenario

FAMILIES: dict[str, Family] = {family.name: family for family in SHORT}
OTHER_FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        long.long_street,
        long.long_town,
        deploy.deploy_town,
        deploy.deploy_outskirts,
        deploy.deploy_avenue,
        safe_metadrive.safe_metadrive,
        town.town01,
    )
}
ALL_FAMILIES = {**FAMILIES, **OTHER_FAMILIES}


def build(family: str, seed: int) -> Scenario:
    """The scenario of ``family`` for ``seed`` (>= 0); the same pair always gives the same scenario.

    Raises TakeadError for an unknown family or a negative seed.
    """
    if family not in ALL_FAMILIES:
        raise unknown("scenario family", family, ALL_FAMILIES)
    if seed < 0:
        raise TakeadError(f"scenario seed {seed}: expected a non-negative integer")
    return ALL_FAMILIES[family](seed)


__all__ = ["ALL_FAMILIES", "FAMILIES", "OTHER_FAMILIES", "Ability", "Actor", "Family", "Scenario", "build"]
