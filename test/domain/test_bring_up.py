"""Bringing managed nodes up: the order, refusals, losses, and that it always gets there."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takead_ros.domain.bring_up import (
    NEXT,
    Managed,
    ManagedState,
    Patience,
    Transition,
    after_request,
    after_state,
    answered,
    next_asks,
)
from takead_ros.domain.units import SECOND

P = Patience(answer_ns=20 * SECOND, retry_ns=5 * SECOND, absent_ns=10 * SECOND)
NAMES = ("recorder_node", "policy_node", "monitor_node")


class Fleet:
    """Nodes as they really are, looked at every 0.2 s; what is asked of them they do 0.6 s later, or refuse."""

    def __init__(self, phases: tuple[ManagedState, ...], refusing: tuple[str, ...] = ()) -> None:
        self.now, self.refusing = 100 * SECOND, refusing
        self.real = dict(zip(NAMES, phases, strict=True))
        self.known = {name: Managed(name, since=self.now) for name in NAMES}
        self.sent: list[tuple[str, Transition]] = []
        self._due: list[tuple[int, str, Transition]] = []

    def run(self, seconds: float) -> None:
        for _ in range(round(5 * seconds)):
            self.now += SECOND // 5
            for at, name, what in [one for one in self._due if one[0] <= self.now]:
                self._due.remove((at, name, what))
                if self.real[name] is ManagedState.ABSENT:
                    continue  # the process is gone: nobody answers
                success = name not in self.refusing and NEXT.get(self.real[name]) is what
                if success:
                    self.real[name] = ManagedState.INACTIVE if what is Transition.CONFIGURE else ManagedState.ACTIVE
                if self.known[name].request is what:
                    self.known[name] = answered(self.known[name], success, self.now, P)
            for name, phase in self.real.items():
                self.known[name] = after_state(self.known[name], phase, self.now, P)
            for node, what in next_asks(tuple(self.known.values()), self.now, P):
                self.sent.append((node.name, what))
                self.known[node.name] = after_request(node, what, self.now)
                self._due.append((self.now + 3 * SECOND // 5, node.name, what))


def test_they_come_up_one_after_the_other() -> None:
    fleet = Fleet((ManagedState.UNCONFIGURED,) * 3)
    fleet.run(10.0)
    assert set(fleet.real.values()) == {ManagedState.ACTIVE}
    assert fleet.sent == [(name, what) for name in NAMES for what in (Transition.CONFIGURE, Transition.ACTIVATE)]
    assert not any(node.losses or node.left or node.refused for node in fleet.known.values())


@pytest.mark.parametrize("phases", list(itertools.product((ManagedState.ABSENT, *NEXT, ManagedState.ACTIVE), repeat=3)))
def test_from_wherever_they_are_all_that_are_there_become_active(phases: tuple[ManagedState, ...]) -> None:
    fleet = Fleet(phases)
    fleet.run(30.0)
    for name, phase in zip(NAMES, phases, strict=True):
        assert fleet.real[name] is (ManagedState.ABSENT if phase is ManagedState.ABSENT else ManagedState.ACTIVE)


def test_who_refuses_is_asked_again_from_time_to_time_and_holds_nobody_up() -> None:
    fleet = Fleet((ManagedState.UNCONFIGURED,) * 3, refusing=("policy_node",))
    fleet.run(20.0)
    assert (
        fleet.real["monitor_node"] is ManagedState.ACTIVE and fleet.known["policy_node"].refused is Transition.CONFIGURE
    )
    asks = fleet.sent.count(("policy_node", Transition.CONFIGURE))
    assert 3 <= asks <= 4  # every 5 s
    fleet.refusing = ()  # somebody mended its model
    fleet.run(8.0)
    assert fleet.real["policy_node"] is ManagedState.ACTIVE and fleet.known["policy_node"].refused is None


@pytest.mark.parametrize("gone_s", [0.0, 0.4, 3.0, 30.0])
def test_who_dies_and_is_started_again_is_brought_up_again(gone_s: float) -> None:
    fleet = Fleet((ManagedState.UNCONFIGURED,) * 3)
    fleet.run(10.0)
    fleet.real["recorder_node"] = ManagedState.ABSENT
    fleet.run(gone_s)
    fleet.real["recorder_node"] = ManagedState.UNCONFIGURED
    fleet.run(3.0)
    assert fleet.real["recorder_node"] is ManagedState.ACTIVE and fleet.known["recorder_node"].losses == 1
    assert fleet.sent[6:] == [
        ("recorder_node", Transition.CONFIGURE),
        ("recorder_node", Transition.ACTIVATE),
    ]  # the others stay up


def test_who_dies_while_it_is_configured_is_not_waited_for_without_end() -> None:
    fleet = Fleet((ManagedState.UNCONFIGURED,) * 3)
    fleet.run(0.4)
    assert fleet.known["recorder_node"].request is Transition.CONFIGURE
    fleet.real["recorder_node"] = ManagedState.ABSENT
    fleet.run(25.0)
    assert fleet.known["recorder_node"].phase is ManagedState.ABSENT and fleet.known["recorder_node"].request is None
    fleet.run(12.0)
    assert fleet.real["monitor_node"] is ManagedState.ACTIVE  # after absent_ns the others come up without it


@pytest.mark.parametrize("between", [(), (ManagedState.CHANGING,)])
def test_whom_somebody_deactivates_is_left_alone_until_it_is_active_or_gone(between: tuple[ManagedState, ...]) -> None:
    fleet = Fleet((ManagedState.UNCONFIGURED,) * 3)
    fleet.run(10.0)
    for phase in (*between, ManagedState.INACTIVE):
        fleet.real["policy_node"] = phase
        fleet.run(0.4)
    fleet.run(60.0)
    assert len(fleet.sent) == 6 and fleet.known["policy_node"].left
    fleet.real["policy_node"] = ManagedState.UNCONFIGURED  # cleaned up by hand as well
    fleet.run(60.0)
    assert len(fleet.sent) == 6 and fleet.known["policy_node"].losses == 0
    fleet.real["policy_node"] = ManagedState.ABSENT
    fleet.run(1.0)
    fleet.real["policy_node"] = ManagedState.UNCONFIGURED
    fleet.run(5.0)
    assert fleet.real["policy_node"] is ManagedState.ACTIVE


def test_a_node_that_was_shut_down_is_left_so() -> None:
    fleet = Fleet((ManagedState.FINALIZED, ManagedState.UNCONFIGURED, ManagedState.UNCONFIGURED))
    fleet.run(10.0)
    assert fleet.real == {
        NAMES[0]: ManagedState.FINALIZED,
        NAMES[1]: ManagedState.ACTIVE,
        NAMES[2]: ManagedState.ACTIVE,
    }


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(list(ManagedState)), st.floats(0.0, 4.0)), max_size=12)
)
def test_whatever_happened_who_begins_anew_becomes_active(story: list[tuple[str, ManagedState, float]]) -> None:
    fleet = Fleet((ManagedState.UNCONFIGURED,) * 3)
    for name, phase, seconds in story:
        fleet.real[name] = phase
        fleet.run(seconds)
    for name in NAMES:
        fleet.real[name] = ManagedState.ABSENT
    fleet.run(25.0)
    for name in NAMES:
        fleet.real[name] = ManagedState.UNCONFIGURED
    fleet.run(30.0)
    assert set(fleet.real.values()) == {ManagedState.ACTIVE}
    assert all(node.phase is ManagedState.ACTIVE and not node.left for node in fleet.known.values())


def test_nothing_is_asked_of_one_that_still_has_to_answer() -> None:
    node = after_request(replace(Managed("a"), phase=ManagedState.UNCONFIGURED), Transition.CONFIGURE, 0)
    assert next_asks((node,), P.answer_ns - 1, P) == ()
    assert next_asks((node,), P.answer_ns, P) == ((node, Transition.CONFIGURE),)
