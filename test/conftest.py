from __future__ import annotations

from collections.abc import Iterator

import pytest

from takead_ros.simulators.metadrive.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One engine per process: every module gives it back."""
    simulator = World()
    yield simulator
    simulator.close()
