"""Bringing managed nodes up in an order, and up again: what to ask of which one next.

States and transitions are those of ROS 2's managed nodes (design.ros2.org, "Managed nodes"). Values in, values out; all
times are ns of a clock that only goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from takead_ros.domain.units import SECOND


class ManagedState(Enum):
    """Where a managed node is; ``CHANGING``: in a transition, ``ABSENT``: it does not answer."""

    ABSENT = "absent"
    UNCONFIGURED = "unconfigured"
    CHANGING = "changing"
    INACTIVE = "inactive"
    ACTIVE = "active"
    FINALIZED = "finalized"


class Transition(Enum):
    """A transition that is asked of a node."""

    CONFIGURE = "configure"
    ACTIVATE = "activate"


GOALS = {Transition.CONFIGURE: ManagedState.INACTIVE, Transition.ACTIVATE: ManagedState.ACTIVE}
NEXT = {ManagedState.UNCONFIGURED: Transition.CONFIGURE, ManagedState.INACTIVE: Transition.ACTIVATE}


@dataclass(frozen=True)
class Patience:
    """answer_ns: a request without an answer for so long is lost. retry_ns: after a refusal the same is asked again.
    absent_ns: those after it in the order wait so long for a node that does not answer."""

    answer_ns: int = 20 * SECOND
    retry_ns: int = 5 * SECOND
    absent_ns: int = 10 * SECOND


@dataclass(frozen=True)
class Managed:
    """What is known of one node."""

    name: str
    phase: ManagedState = ManagedState.ABSENT
    since: int = 0  # when it was first seen in this phase
    request: Transition | None = None  # what it has not answered yet
    request_at: int = 0
    refused: Transition | None = None  # what it refused last; None once it is active or gone
    refused_at: int = 0
    up: bool = False  # it has been active since it was last unconfigured or gone
    left: bool = False  # somebody else deactivated it: it stays so until it is active or gone
    losses: int = 0  # times that it was up and then gone, or began anew


def after_state(node: Managed, phase: ManagedState, now: int, patience: Patience) -> Managed:
    """``node`` after it was found in ``phase``. One that is busy with what it was asked is not missed."""
    if phase is ManagedState.ABSENT and node.request is not None and now - node.request_at < patience.answer_ns:
        phase = ManagedState.CHANGING
    if phase is node.phase:
        return node
    anew = phase in (ManagedState.ABSENT, ManagedState.UNCONFIGURED)
    settled = phase in (ManagedState.ABSENT, ManagedState.ACTIVE)
    reached = node.request is not None and GOALS[node.request] is phase
    return replace(
        node,
        phase=phase,
        since=now,
        request=None if settled or reached else node.request,
        refused=None if settled else node.refused,
        up=phase is ManagedState.ACTIVE or (node.up and not anew),
        left=(node.left and not settled) or (node.up and phase is ManagedState.INACTIVE),
        losses=node.losses + (node.up and anew and not node.left),
    )


def after_request(node: Managed, what: Transition, now: int) -> Managed:
    """``node`` after ``what`` was sent to it."""
    return replace(node, request=what, request_at=now)


def answered(node: Managed, success: bool, now: int, patience: Patience) -> Managed:
    """``node`` after its answer to what it was asked; what it was seen in before that holds no longer."""
    if node.request is None:
        return node
    if not success:
        return replace(node, request=None, refused=node.request, refused_at=now)
    return after_state(node, GOALS[node.request], now, patience)


def next_asks(nodes: Sequence[Managed], now: int, patience: Patience) -> tuple[tuple[Managed, Transition], ...]:
    """What is to be asked now, in the order of ``nodes``: each waits for those before it to be active, but not for one
    that refuses, was deactivated by somebody, or stays away."""
    found = []
    for node in nodes:
        what = NEXT.get(node.phase)
        waiting = node.request is not None and now - node.request_at < patience.answer_ns
        resting = node.refused is what and now - node.refused_at < patience.retry_ns
        if what is not None and not (waiting or resting or node.left):
            found.append((node, what))
        if not _is_done(node, now, patience):
            break
    return tuple(found)


def _is_done(node: Managed, now: int, patience: Patience) -> bool:
    """Whether those after ``node`` need not wait for it."""
    if node.phase in (ManagedState.ACTIVE, ManagedState.FINALIZED) or node.left or node.refused is not None:
        return True
    return node.phase is ManagedState.ABSENT and now - node.since >= patience.absent_ns
