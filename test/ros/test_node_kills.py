"""Each node killed by SIGKILL in the midst of a minimum-risk stop: the stop goes on, and the node comes back."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from support.node_kills import HEARD, Launched
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.messages import types

GAP_S = 0.5  # ten control periods: on a loaded test machine any process may wait for a core
STOP_S = 15.0  # until it stands, from what is driven here
AGAIN_S = 20.0  # it was 1.3 to 5.0 s (docs/results/ros2.md)
BRAKES = (types.DriveCommand.MRM, types.DriveCommand.NONE)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    made = Launched(tmp_path_factory.mktemp("kills"), domain=20 + (os.getpid() + 30) % 60)
    yield made
    made.close()


@pytest.mark.ros
@pytest.mark.parametrize("name", HEARD)
def test_a_node_that_dies_during_a_minimum_risk_stop_does_not_break_it(stack: Launched, name: str) -> None:
    assert stack.reach("minimum-risk stop"), f"no such stop, but {stack.person.mode.name}"
    found = stack.kill(name, "minimum-risk stop")
    assert found is not None and found.mode is M.MRM
    assert found.longest_gap_s < GAP_S, "the vehicle was without a command"
    assert found.heard_again_s is not None and found.heard_again_s < AGAIN_S, "the node did not come back"
    person = stack.person

    def ended() -> list[tuple[float, M]]:
        return [(at, mode) for at, mode in person.modes if at > found.at and mode is not M.MRM]

    person.until(STOP_S, lambda: bool(ended()))
    assert ended(), "the stop never came to its end"
    over, then = ended()[0]
    # The simulator may end the episode of a vehicle that stands; nobody drives it then either.
    assert then in (M.STOPPED, M.DISENGAGED)
    said = [msg for at, msg in person.commands if found.at < at < over]
    assert len(said) > 10.0 * (over - found.at)
    assert {msg.longitudinal_source for msg in said} <= set(BRAKES), "somebody drove on during the stop"
    assert all(msg.acceleration <= 0.0 for msg in said)
