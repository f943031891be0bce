from __future__ import annotations

from collections.abc import Iterator

import pytest

from takead_ros.simulators import STEP_S
from takead_ros.simulators.metadrive.simulator import MetaDrive


@pytest.fixture(scope="module")
def simulator() -> Iterator[MetaDrive]:
    """One engine per process: every module gives it back."""
    made = MetaDrive(STEP_S)
    yield made
    made.close()
