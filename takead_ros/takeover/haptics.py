"""What a safety driver feels in the pad or wheel: which pulses tell of a change of driver, and of what is asked.

Eyes are on the road, hands on the device. Urgency is in the rhythm: without end while a takeover is asked for, slow and
few times while the vehicle stands, once where the person has the vehicle.
"""

from __future__ import annotations

from dataclasses import dataclass

from takead_ros.domain.driving import Source
from takead_ros.takeover.notice import Asked, NoticeLevel


@dataclass(frozen=True)
class Pulses:
    """``strength`` (0..1) for ``on_s``, then nothing for ``off_s``; so many ``times``, 0: without end."""

    strength: float
    on_s: float
    off_s: float
    times: int

    def at(self, since_s: float) -> float:
        """The strength ``since_s`` after the first pulse began."""
        number, within = divmod(since_s, self.on_s + self.off_s)
        over = self.times > 0 and number >= self.times
        return self.strength if within < self.on_s and not over else 0.0


TAKE_OVER = Pulses(1.0, 0.2, 0.2, 0)
ENGAGE = Pulses(0.5, 0.2, 1.8, 5)  # the vehicle stands; nothing is gained by shaking an empty seat for ever
TAKEN = Pulses(0.6, 0.3, 0.1, 1)
GIVEN_BACK = Pulses(0.4, 0.1, 0.1, 2)
EXPERT_CAME = Pulses(0.3, 0.1, 0.1, 3)


@dataclass(frozen=True)
class Told:
    """What ``operator/status`` says that can be felt: who drives, what is asked, how urgent it is."""

    drivers: frozenset[Source]
    asked: Asked = Asked.NOTHING
    alarm: NoticeLevel = NoticeLevel.CALM


def pulses(before: Told | None, told: Told) -> Pulses | None:
    """What to begin where ``told`` follows ``before`` (None: it is the first); None: nothing.

    What is asked comes first: it matters more than who drove before. Who has the wheel or the pedals has heard it.
    """
    if told.asked is Asked.TAKE_OVER and Source.HUMAN not in told.drivers:
        return TAKE_OVER
    if told.asked is Asked.ENGAGE and told.alarm is NoticeLevel.ACT:
        return ENGAGE
    came = told.drivers - (told.drivers if before is None else before.drivers)
    gone = frozenset() if before is None else before.drivers - told.drivers
    if Source.HUMAN in came:
        return TAKEN
    if Source.HUMAN in gone:
        return GIVEN_BACK
    return EXPERT_CAME if Source.EXPERT in came else None
