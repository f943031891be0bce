"""Parameters: their types and bounds, and who may refuse a change."""

from __future__ import annotations

from typing import Any

import pytest

from takead_ros.messages import types


class ConformanceOfParameters:
    def test_parameters_have_their_default_or_the_override(self, driver: Any) -> None:
        overrides = {"rate": 10.0, "limits.speed": 7.5, "names": ["x", "y"]}
        node = driver.node("tuned", overrides=overrides)
        declared = node.declare_parameters(
            "", [("rate", 20.0), ("engaged", False), ("retries", 3), ("label", "none"), ("names", ["a"])]
        )
        node.declare_parameters("limits", [("speed", 15.0, types.ParameterDescriptor(description="m/s"))])
        assert [parameter.value for parameter in declared[:4]] == [10.0, False, 3, "none"]
        assert list(node.get_parameter("names").value) == ["x", "y"]
        assert node.get_parameter("limits.speed").value == 7.5
        assert node.has_parameter("rate") and not node.has_parameter("speed")

    @pytest.mark.parametrize(
        ("default", "given"), [(20.0, 20), (3, 3.5), ("text", True), (False, 1), (["a"], "a"), ([1.0], ["a"])]
    )
    def test_an_override_of_another_type_is_refused(self, driver: Any, default: Any, given: Any) -> None:
        node = driver.node("tuned", overrides={"value": given})
        with pytest.raises(driver.parameter_errors):
            node.declare_parameters("", [("value", default)])

    def test_undeclared_twice_declared_and_valueless_parameters_are_refused(self, driver: Any) -> None:
        node = driver.node("tuned")
        node.declare_parameters("", [("rate", 20.0)])
        with pytest.raises(driver.parameter_errors):
            node.get_parameter("rat")
        with pytest.raises(driver.parameter_errors):
            node.set_parameters([driver.parameter("rat", 1.0)])
        with pytest.raises(driver.parameter_errors):
            node.declare_parameters("", [("rate", 10.0)])
        with pytest.raises(driver.parameter_errors):
            node.declare_parameters("", [("bare", None)])

    def test_setting_a_parameter_keeps_its_type(self, driver: Any) -> None:
        node = driver.node("tuned")
        node.declare_parameters("", [("rate", 20.0), ("label", "none")])
        wrong, right = node.set_parameters([driver.parameter("rate", 10), driver.parameter("label", "fast")])
        assert (wrong.successful, right.successful) == (False, True)
        assert "type" in wrong.reason
        assert (node.get_parameter("rate").value, node.get_parameter("label").value) == (20.0, "fast")

    def test_descriptors_bound_a_parameter(self, driver: Any) -> None:
        node = driver.node("tuned")
        share = types.ParameterDescriptor(
            floating_point_range=[types.FloatingPointRange(from_value=0.0, to_value=1.0, step=0.0)]
        )
        count = types.ParameterDescriptor(integer_range=[types.IntegerRange(from_value=1, to_value=9, step=0)])
        fixed = types.ParameterDescriptor(read_only=True)
        loose = types.ParameterDescriptor(dynamic_typing=True)
        node.declare_parameters("", [("share", 0.5, share), ("count", 2, count), ("fixed", "x", fixed)])
        node.declare_parameters("", [("loose", 1, loose)])
        values = [("share", 1.5), ("share", float("nan")), ("share", 1.0), ("count", 10), ("count", 9), ("fixed", "y")]
        results = node.set_parameters([driver.parameter(name, value) for name, value in [*values, ("loose", "text")]])
        assert [result.successful for result in results] == [False, False, True, False, True, False, True]
        names = ("share", "count", "fixed", "loose")
        assert [node.get_parameter(name).value for name in names] == [1.0, 9, "x", "text"]
        with pytest.raises(driver.parameter_errors):
            driver.node("other", overrides={"share": 2.0}).declare_parameters("", [("share", 0.5, share)])

    def test_a_callback_may_refuse_a_change(self, driver: Any) -> None:
        node = driver.node("tuned")
        node.declare_parameters("", [("rate", 20.0)])
        seen: list[tuple[str, Any]] = []

        def judge(parameters: Any) -> Any:
            seen.extend((parameter.name, parameter.value) for parameter in parameters)
            fine = all(parameter.value > 0.0 for parameter in parameters)
            return types.SetParametersResult(successful=fine, reason="" if fine else "rate must be positive")

        node.add_on_set_parameters_callback(judge)
        (refused,) = node.set_parameters([driver.parameter("rate", -1.0)])
        (accepted,) = node.set_parameters([driver.parameter("rate", 5.0)])
        assert (refused.successful, refused.reason) == (False, "rate must be positive")
        assert accepted.successful and node.get_parameter("rate").value == 5.0
        assert seen == [("rate", -1.0), ("rate", 5.0)]
