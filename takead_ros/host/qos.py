"""QoS profiles: rclpy's ``QoSProfile`` under ROS 2, elsewhere the same fields in a dataclass.

The lockstep host reads either, by field and member name.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from takead_ros.messages.interfaces import Qos

if TYPE_CHECKING or importlib.util.find_spec("rclpy") is None:

    class ReliabilityPolicy(IntEnum):
        RELIABLE = 1
        BEST_EFFORT = 2

    class DurabilityPolicy(IntEnum):
        TRANSIENT_LOCAL = 1
        VOLATILE = 2

    class HistoryPolicy(IntEnum):
        KEEP_LAST = 1

    @dataclass(frozen=True)
    class Duration:
        """``nanoseconds``; 0 as a deadline: none is asked for."""

        nanoseconds: int = 0

    @dataclass(frozen=True)
    class QoSProfile:
        """Fields, meanings and defaults of ``rclpy.qos.QoSProfile``, as far as both hosts honour them."""

        depth: int
        history: HistoryPolicy = HistoryPolicy.KEEP_LAST
        reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE
        durability: DurabilityPolicy = DurabilityPolicy.VOLATILE
        deadline: Duration = Duration()

else:
    from rclpy.duration import Duration
    from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def profile(qos: Qos) -> Any:
    """The middleware's profile of ``qos``."""
    return QoSProfile(
        depth=qos.depth,
        history=HistoryPolicy.KEEP_LAST,
        reliability=ReliabilityPolicy.RELIABLE if qos.reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if qos.latched else DurabilityPolicy.VOLATILE,
        deadline=Duration(nanoseconds=round((qos.deadline_s or 0.0) * 1e9)),
    )


def best_effort(profile: Any) -> bool:
    return bool(profile.reliability.name == "BEST_EFFORT")


def latched(profile: Any) -> bool:
    return bool(profile.durability.name == "TRANSIENT_LOCAL")


def incompatibility(offered: Any, requested: Any) -> str | None:
    """Why a subscription that requests one profile gets nothing from a publisher that offers the other, or None.

    These are DDS's request-offered rules for reliability, durability and deadline.
    """
    if best_effort(offered) and not best_effort(requested):
        return "RELIABILITY: offered BEST_EFFORT, requested RELIABLE"
    if latched(requested) and not latched(offered):
        return "DURABILITY: offered VOLATILE, requested TRANSIENT_LOCAL"
    offered_ns, requested_ns = offered.deadline.nanoseconds, requested.deadline.nanoseconds
    if requested_ns and not 0 < offered_ns <= requested_ns:
        return f"DEADLINE: offered {offered_ns or 'none'}, requested {requested_ns} ns"
    return None
