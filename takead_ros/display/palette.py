"""The colours by which road users, lights and drivers are told apart in every picture: red, green, blue 0..255."""

from __future__ import annotations

from takead_ros.domain.driving import Source
from takead_ros.domain.scene import LightState, ObjectKind

Colour = tuple[int, int, int]

MARKING: Colour = (232, 234, 237)
KERB: Colour = (205, 208, 212)
ROUTE: Colour = (98, 122, 135)
NIGHT_ROUTE: Colour = (70, 88, 98)  # on a dark ground
CALM: Colour = (235, 238, 242)
ATTEND: Colour = (250, 204, 21)
ALARM: Colour = (255, 70, 70)
FAINT: Colour = (150, 158, 168)
KINDS: dict[int, Colour] = {
    ObjectKind.CAR: (203, 153, 62),
    ObjectKind.TRUCK: (168, 112, 52),
    ObjectKind.PEDESTRIAN: (220, 60, 60),
    ObjectKind.CYCLIST: (190, 75, 160),
    ObjectKind.CONE: (245, 120, 40),
    ObjectKind.OBSTACLE: (150, 80, 70),
    ObjectKind.EMERGENCY_VEHICLE: (235, 60, 60),
    ObjectKind.UNKNOWN: (150, 150, 150),
}
LIGHTS: dict[int, Colour] = {
    LightState.RED: (225, 45, 45),
    LightState.YELLOW: (240, 190, 30),
    LightState.GREEN: (40, 170, 80),
    LightState.UNKNOWN: (230, 230, 230),
}
DRIVERS: dict[Source, Colour] = {
    Source.POLICY: (255, 176, 46),
    Source.EXPERT: (90, 220, 120),
    Source.HUMAN: (90, 150, 255),
    Source.MRM: ALARM,
    Source.NONE: FAINT,
}
