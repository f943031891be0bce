"""Families whose maps and traffic are another's: MetaDrive's own benchmark."""

from __future__ import annotations

from takead_ros.domain.seeds import SPLIT_SIZE
from takead_ros.maps.roads import LanePath, SafeMetaDriveMap
from takead_ros.scenarios.spec import Ability, Scenario

HELD_OUT, TRAINING, TRAINING_MAPS = 1000, 100, 900  # first map of each; how many lie before the held-out ones
HORIZON = 150.0  # s
SPEED_LIMIT = 13.9  # m/s; these roads have none, the cars on them drive at 8 to 14


def safe_metadrive(seed: int) -> Scenario:
    """MetaDrive's SafeMetaDriveEnv, unchanged: three blocks of road, its traffic, cones and broken-down cars."""
    index = HELD_OUT + seed if seed < SPLIT_SIZE else TRAINING + seed % SPLIT_SIZE % TRAINING_MAPS
    return Scenario(
        "safe_metadrive", seed, Ability.MIXED, SafeMetaDriveMap(index), LanePath((), ()), 0.0, 0.0, 0.0, SPEED_LIMIT,
        HORIZON, (),
    )  # fmt: skip
