"""One line where the CARLA server's extra is not installed; hand-made maps as files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MISSING = [name for name in ("msgpack", "carla") if importlib.util.find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []


def pytest_report_header() -> str | None:
    if MISSING:
        return f"test/carla_server is left out, {' and '.join(MISSING)} missing: pip install 'takead_ros[carla-server]'"
    return None


if not MISSING:
    from support.carla_server import hand_made_towns
    from takead_ros.simulators.carla_server.towns import KnownTowns

    @pytest.fixture(scope="session")
    def towns(tmp_path_factory: pytest.TempPathFactory) -> KnownTowns:
        """The hand-made maps."""
        return hand_made_towns(tmp_path_factory.mktemp("maps"))
