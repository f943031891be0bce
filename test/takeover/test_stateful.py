"""Random inputs, ages and clocks, tick after tick, against a model of what is fresh: 10,000 ticks at least."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from support.scenery import human, output, request, scene
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import DriverStatus, EventKind, Source, Trigger
from takead_ros.domain.scene import FloatArray
from takead_ros.domain.units import SECOND
from takead_ros.takeover import limits
from takead_ros.takeover.arbiter import step
from takead_ros.takeover.inputs import Ask, Inputs, Now, Received
from takead_ros.takeover.memory import ENGAGED, ArbiterMemory
from takead_ros.takeover.parameters import ArbiterParameters
from takead_ros.takeover.table import edges

pytestmark = pytest.mark.slow

EDGES = set(edges())
LIMIT = {"scene": 0.2, "policy": 0.3, "expert": 0.3, "human": 0.2, "request": 0.3}
FAULTS = ["nan", "range", "status", "old", "future"]
COUNT: Counter[str] = Counter()


class Arbiter(RuleBasedStateMachine):
    """The model knows, for each source, by the steady clock when a good message last came."""

    @initialize(
        auto=st.booleans(),
        drivers=st.sampled_from([("policy", "expert", "human"), ("policy", "human"), ("expert", "human"), ("policy",)]),
        supervised=st.sampled_from([True, True, True, False]),
        speed=st.floats(0.0, 30.0),
    )
    def begin(self, auto: bool, drivers: tuple[str, ...], supervised: bool, speed: float) -> None:
        self.p = ArbiterParameters(auto_engage=auto, drivers=drivers, supervised=supervised)  # type: ignore[arg-type]
        self.state, self.now, self.inputs = ArbiterMemory(), Now(10**12, 0), Inputs()
        self.good: dict[str, int] = {}
        self.x, self.speed, self.pull, self.open = 0.0, speed, 0.0, 0

    def message(self, name: str, value: object, fault: str) -> None:
        stamp = self.now.ros + {"old": -SECOND, "future": SECOND // 10}.get(fault, 0)
        received = Received(replace(value, stamp=stamp), stamp, self.now.steady)  # type: ignore[type-var]
        self.inputs = replace(self.inputs, **{name: received})
        if not fault:
            self.good[name] = self.now.steady
        elif fault in ("nan", "range", "status"):
            self.good.pop(name, None)  # the driver itself is broken

    @rule(
        seed=st.integers(0, 2**32 - 1),
        ticks=st.integers(1, 40),
        rough=st.sampled_from([0.0, 0.02, 0.3]),
        gone=st.sampled_from(
            [()] * 6 + [("policy",), ("expert",), ("human",), ("scene",), ("policy", "expert"), ("request",)]
        ),
        hands=st.sampled_from([(False, False)] * 5 + [(True, False), (False, True), (True, True)]),
        clock=st.sampled_from([None] * 12 + [0, -5_000, 7_200_000]),
        trigger=st.sampled_from([None] * 12 + [*Trigger]),
        ask=st.sampled_from([Ask.NOTHING] * 3 + [Ask.ENGAGE] * 6 + [Ask.DISENGAGE]),
        goal_m=st.sampled_from([5000.0] * 12 + [20.0]),
    )
    def drive(
        self,
        seed: int,
        ticks: int,
        rough: float,
        gone: tuple[str, ...],
        hands: tuple[bool, bool],
        clock: int | None,
        trigger: Trigger | None,
        ask: Ask,
        goal_m: float,
    ) -> None:
        """Some ticks with ``gone`` sources silent and the others faulty with probability ``rough``; what is asked, and
        the clock's step (ms; None: as the steady one), belong to the first of them."""
        self.goal_m = goal_m
        rng = np.random.default_rng(seed)
        agree = rng.random() < 0.5
        for i in range(ticks):
            dt = 50 if rng.random() >= rough else int(rng.choice([0, 10, 120, 400]))
            faults = {
                name: str(rng.choice(FAULTS)) if rng.random() < rough else ""
                for name in ("scene", "policy", "expert", "human", "request")
                if name not in gone and rng.random() >= 0.3 * rough
            }
            if hands == (False, False) and "human" in faults and rng.random() < 0.7:
                del faults["human"]
            values = rng.uniform(-0.05, 0.05, 6) if agree else rng.uniform(-0.4, 0.4, 6)
            step_ms = clock if clock is not None and i == 0 else dt
            self.tick(dt, step_ms, faults, values, hands, trigger, ask if i == 0 else Ask.NOTHING)

    def tick(
        self,
        dt: int,
        clock: int,
        faults: dict[str, str],
        values: FloatArray,
        hands: tuple[bool, bool],
        trigger: Trigger | None,
        ask: Ask,
    ) -> None:
        ros = self.now.ros + clock * 1_000_000
        self.now = Now(ros, self.now.steady + dt * 1_000_000)
        self.speed = min(max(self.speed + self.pull * dt / 1000.0, 0.0), 35.0)
        self.x += self.speed * dt / 1000.0 + 1e-6  # never quite still: a frozen picture has a test of its own
        for name, fault in faults.items():
            if name == "scene":
                fault = "" if fault == "status" else fault
                speed = {"nan": math.nan, "range": 500.0}.get(fault, self.speed)
                seen = scene(ros, self.x, speed, steering_angle=values[0])
                self.message(name, replace(seen, route=replace(seen.route, remaining=self.goal_m)), fault)
            elif name == "request":
                word = request(ros, trigger or Trigger.NONE, math.nan if fault in ("nan", "range", "status") else 0.5)
                self.message(name, word, fault)
            elif name == "human":
                fault = "" if fault == "status" else fault
                broken = {"nan": math.nan, "range": 40.0}.get(fault)
                wheel = values[4] if hands[0] else None
                pedal = broken if broken is not None else values[5] * 10.0 if hands[1] else None
                self.message(name, human(ros, wheel, pedal), fault)
            else:
                value = output(ros, name, values[2 * (name == "expert")], 0.5 + values[1], self.speed)
                if fault == "nan":
                    value = replace(value, acceleration=math.nan)
                elif fault == "range":
                    value = replace(value, steering_angle=2.0)
                elif fault == "status":
                    value = replace(value, status=DriverStatus.NOT_FINITE)
                self.message(name, value, fault)
        before = self.state
        self.state, command, events = step(before, replace(self.inputs, ask=ask), self.now, self.p)
        COUNT.update({"ticks": 1, self.state.mode.name: 1})
        self.pull = command.acceleration
        self.check(before, command, events, ask, hands, faults.get("human"))

    def fresh(self, name: str) -> bool:
        return name in self.good and (self.now.steady - self.good[name]) / SECOND <= LIMIT[name]

    def check(self, before, command, events, ask, hands, human_fault) -> None:  # type: ignore[no-untyped-def]
        mode, p = self.state.mode, self.p
        assert math.isfinite(command.steering_angle) and math.isfinite(command.acceleration)
        used = {command.lateral, command.longitudinal}
        for source, name in ((Source.POLICY, "policy"), (Source.EXPERT, "expert"), (Source.HUMAN, "human")):
            if source in used:
                assert name in p.drivers and self.fresh(name), (name, self.state.reason)
                assert source is Source.HUMAN or self.fresh("scene")
        assert Source.POLICY not in used or not p.supervised or self.fresh("request")
        assert (Source.NONE in used) <= (mode is M.DISENGAGED)
        if human_fault in ("", "status") and "human" in p.drivers:
            assert not hands[0] or command.lateral is Source.HUMAN
            assert not hands[1] or command.longitudinal is Source.HUMAN
        if mode is not before.mode and ask is not Ask.DISENGAGE:
            assert (before.mode, mode) in EDGES
        if before.mode not in ENGAGED and mode in ENGAGED:
            automatic = p.auto_engage and not before.was_engaged and before.mode is M.DISENGAGED
            assert automatic or (ask is Ask.ENGAGE and self.state.response is not None and self.state.response.accepted)
        if before.last is not None and self.state.motion is not None:
            elapsed = min((self.now.steady - before.tick.steady) / SECOND, 0.1)
            motion = self.state.motion
            allowed = limits.rates(motion.speed, motion.wheelbase, p)
            assert abs(command.steering_angle - before.last[0]) <= allowed.steering * elapsed + 1e-9
            assert command.acceleration - before.last[1] <= allowed.jerk_up * elapsed + 1e-9
            assert before.last[1] - command.acceleration <= allowed.jerk_down * elapsed + 1e-9
        for event in events:  # takeovers open and close in turn
            if event.kind is EventKind.END:
                assert event.takeover == self.open
                self.open = 0
            elif event.kind is EventKind.START:
                assert self.open in (0, event.takeover)
                self.open = event.takeover
            elif event.kind is EventKind.ARRIVAL:
                assert (event.takeover, self.open) == (0, 0) and mode is M.ARRIVING
            else:
                assert event.takeover == self.open
        assert self.open == (self.state.takeover.number if self.state.takeover else 0)


Arbiter.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


class TestArbiter(Arbiter.TestCase):  # type: ignore[misc, valid-type]
    """The machine above, and a count of what it tried."""

    def runTest(self) -> None:  # noqa: N802  (unittest's name)
        COUNT.clear()
        super().runTest()
        assert COUNT["ticks"] >= 10_000, COUNT
        # nobody comes to the end of a route here; test_machine.py reaches ARRIVING
        assert all(COUNT[mode.name] >= 10 for mode in M if mode is not M.ARRIVING), COUNT
