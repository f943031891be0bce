"""Drives the arbiter tick by tick with healthy inputs, except where a test says otherwise."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

from support.scenery import TICK, human, output, received, request, scene
from takead_ros.domain.driving import ArbiterMode, DriveCommand, TakeoverEvent, Trigger
from takead_ros.domain.scene import Scene
from takead_ros.domain.units import SECOND
from takead_ros.takeover.arbiter import assess, step
from takead_ros.takeover.inputs import Ask, Inputs, Now
from takead_ros.takeover.machine import GuardInput
from takead_ros.takeover.memory import ArbiterMemory
from takead_ros.takeover.parameters import ArbiterParameters

START = Now(ros=5_000 * SECOND, steady=77 * SECOND)  # two clocks that have nothing in common


class Loop:
    """``tick(...)`` gives the arbiter new messages: scene, policy and expert unless they are None."""

    def __init__(self, speed: float = 10.0, **parameters: Any) -> None:
        self.p = ArbiterParameters(**parameters)
        self.state, self.now = ArbiterMemory(), START
        self.inputs = Inputs()
        self.x, self.speed = 0.0, speed
        self.goal_m = 5000.0  # to the end of the route
        self.command: DriveCommand = None  # type: ignore[assignment]
        self.events: list[TakeoverEvent] = []
        self.ticks = 0

    @property
    def mode(self) -> ArbiterMode:
        return self.state.mode

    def tick(self, ask: Ask = Ask.NOTHING, dt: int = TICK, ros_dt: int | None = None, **messages: Any) -> DriveCommand:
        """One tick ``dt`` ns later with ``inputs_of(...)``."""
        self.inputs_of(ask, dt, ros_dt, **messages)
        self.state, self.command, self.events = step(self.state, self.inputs, self.now, self.p)
        return self.command

    def assess(self, **messages: Any) -> GuardInput:
        """What the coming tick would decide on; it is not taken."""
        ahead = copy(self)
        ahead.inputs_of(**messages)
        return assess(ahead.state, ahead.inputs, ahead.now, ahead.p)

    def inputs_of(self, ask: Ask = Ask.NOTHING, dt: int = TICK, ros_dt: int | None = None, **messages: Any) -> None:
        """Clocks, ego and inputs of the tick ``dt`` ns later.

        Keywords: scene, policy, expert, request (True: healthy, nothing to ask for; None: nothing new; else a value),
        human (a value; default: nothing new).
        """
        self.ticks += 1
        assert self.ticks < 1000, f"{self.mode.name} for ever"  # no test waits in vain
        self.now = Now(self.now.ros + (dt if ros_dt is None else ros_dt), self.now.steady + dt)
        self.x += self.speed * dt / SECOND
        self.goal_m -= self.speed * dt / SECOND
        made = {
            "scene": lambda: self.scene(),
            "policy": lambda: output(self.now.ros, speed=self.speed),
            "expert": lambda: output(self.now.ros, "expert", speed=self.speed),
            "request": lambda: request(self.now.ros, Trigger.NONE),
        }
        new: dict[str, Any] = {}
        for name, make in made.items():
            given = messages.pop(name, True)
            value = make() if given is True else given
            if value is not None:
                new[name] = value if hasattr(value, "steady") else received(value, self.now)
        for name, value in messages.items():
            new[name] = value if hasattr(value, "steady") else received(value, self.now)
        self.inputs = replace(self.inputs, **new, ask=ask)

    def scene(self) -> Scene:
        """The scene as of the coming tick's clock."""
        made = scene(self.now.ros, self.x, self.speed)
        return replace(made, route=replace(made.route, remaining=self.goal_m))

    def dead(self, ticks: int) -> DriveCommand:
        """Ticks without any new message."""
        for _ in range(ticks):
            self.tick(scene=None, policy=None, expert=None, request=None)
        return self.command

    def run(self, ticks: int, **messages: Any) -> DriveCommand:
        for _ in range(ticks):
            self.tick(**messages)
        return self.command

    def ask(self, trigger: Any = None) -> Any:
        """A takeover request as of the coming tick."""
        return request(self.now.ros + TICK, *([trigger] if trigger is not None else []))

    def hand(self, steering: float | None = None, acceleration: float | None = None) -> Any:
        """A human's command as of the coming tick."""
        return human(self.now.ros + TICK, steering, acceleration)

    def out(self, source: str = "policy", **values: Any) -> Any:
        """A driver's output as of the coming tick."""
        return output(self.now.ros + TICK, source, speed=self.speed, **values)


def engaged(kind: type[Loop] = Loop, **parameters: Any) -> Loop:
    """A loop of ``kind`` in POLICY."""
    loop = kind(**parameters)
    loop.tick()
    loop.tick(ask=Ask.ENGAGE)
    assert loop.state.response is not None and loop.state.response.accepted, loop.state.response
    loop.run(6)  # until the brake of DISENGAGED is let go
    return loop


def in_mode(mode: ArbiterMode, kind: type[Loop] = Loop, **parameters: Any) -> Loop:
    """A loop of ``kind`` that got into ``mode`` the way a vehicle would."""
    if mode is ArbiterMode.DISENGAGED:
        loop = kind(**parameters)
        loop.run(2)
        return loop
    loop = engaged(kind, **parameters)
    if mode is ArbiterMode.EXPERT:
        loop.tick(request=loop.ask())
    elif mode is ArbiterMode.HUMAN:
        loop.tick(human=loop.hand(0.05, -1.0))
    elif mode is ArbiterMode.HANDBACK:
        loop.tick(human=loop.hand(0.2, -1.0))
        while loop.mode is ArbiterMode.HUMAN:
            loop.tick(human=loop.hand())
    elif mode in (ArbiterMode.MRM, ArbiterMode.STOPPED):
        while loop.mode is not mode:
            loop.dead(1)
    elif mode is ArbiterMode.ARRIVING:
        loop.goal_m = loop.speed**2 / (2.0 * loop.p.goal_deceleration_mps2)
        loop.tick()
    assert loop.mode is mode, loop.state.reason
    return loop


def told(loop: Loop) -> list[tuple[str, int, str, str]]:
    """Kind, number, who and trigger of the last tick's events."""
    return [(e.kind.name, e.takeover, e.who.name, e.trigger.name) for e in loop.events]
