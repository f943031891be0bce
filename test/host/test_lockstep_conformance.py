"""The conformance suite in the lockstep host."""

from __future__ import annotations

from typing import Any

import pytest

pytest.register_assert_rewrite("support.conformance")

from support.conformance import Conformance  # noqa: E402
from takead_ros.domain.errors import TakeadError  # noqa: E402
from takead_ros.host.lockstep import LockstepHost  # noqa: E402
from takead_ros.host.parameters import Parameter, ParameterError  # noqa: E402


class LockstepDriver:
    parameter_errors = (ParameterError,)
    name_errors = (TakeadError,)
    parameter = Parameter

    def __init__(self) -> None:
        self.host = LockstepHost(start_ns=1_000_000_000, check_mutation=True)

    def node(self, name: str, namespace: str = "/takead", overrides: dict[str, Any] | None = None) -> Any:
        return self.host.create_node(name, namespace, overrides)

    def settle(self) -> None:
        self.host.advance(0)

    def advance(self, seconds: float) -> None:
        self.host.advance(round(seconds * 1e9))


class TestLockstep(Conformance):
    @pytest.fixture
    def driver(self) -> LockstepDriver:
        return LockstepDriver()
