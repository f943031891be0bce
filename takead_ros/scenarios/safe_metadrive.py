"""Families whose maps and traffic are another's: MetaDrive's own benchmark."""

from __future__ import annotations

from takead_ros.domain.seeds import SPLIT_SIZE
from takead_ros.maps.roads import LanePath, SafeMetaDriveMap
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.spec import Ability, Scenario

HELD_OUT, TRAINING, TRAINING_MAPS = 1000, 100, 900  # first map of each; how many lie before the held-out ones
HORIZON = 150.0  # s
SPEED_LIMIT = 13.9  # m/s; these roads have none, the cars on them drive at 8 to 14


@family(Ability.MIXED, Setting.OWN)
def safe_metadrive(case: Case) -> Scenario:
    """MetaDrive's SafeMetaDriveEnv, unchanged: three pieces of road, its traffic, cones and broken-down cars."""
    seed = case.seed
    index = HELD_OUT + seed if seed < SPLIT_SIZE else TRAINING + seed % SPLIT_SIZE % TRAINING_MAPS
    return case.scenario(
        roads=SafeMetaDriveMap(index),
        route=LanePath((), ()),
        start=0.0,
        goal=0.0,
        speed=0.0,
        speed_limit=SPEED_LIMIT,
        time_limit=HORIZON,
        actors=(),
    )
