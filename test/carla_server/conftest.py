"""Leaves these tests out where the CARLA server's extra is not installed (test_extra.py says so); hand-made maps."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

MISSING = [name for name in ("msgpack", "carla") if importlib.util.find_spec(name) is None]
collect_ignore = [
    path.name for path in Path(__file__).parent.glob("test_*.py") if MISSING and path.name != "test_extra.py"
]

if not MISSING:
    from support.carla_server import hand_made_towns
    from takead_ros.simulators.carla_server.map_sources import KnownTowns

    @pytest.fixture(scope="session")
    def towns(tmp_path_factory: pytest.TempPathFactory) -> KnownTowns:
        """The hand-made maps."""
        return hand_made_towns(tmp_path_factory.mktemp("maps"))
