"""One line where the extra is not installed, in place of all the other tests here."""

from __future__ import annotations

import importlib.util

import pytest

MISSING = [name for name in ("msgpack", "carla") if importlib.util.find_spec(name) is None]


@pytest.mark.skipif(
    bool(MISSING), reason=f"the CARLA server needs {' and '.join(MISSING)}: pip install 'takead_ros[carla-server]'"
)
def test_the_server_can_be_imported() -> None:
    from takead_ros.simulators.carla_server.server import METHODS

    assert "spawn_actor" in METHODS
