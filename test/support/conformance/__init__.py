"""What a node may rely on, whichever host it runs in. One suite, written against the node handle and a small driver.

A subclass gives a ``driver`` fixture with
    node(name, namespace="/takead", overrides=None)   a node handle
    settle()                                          deliver everything under way
    advance(seconds)                                  let the nodes' clock run on, timers firing
    parameter(name, value)                            something that ``set_parameters`` takes
    parameter_errors                                  exceptions for a parameter that is refused
    name_errors                                       exceptions for an invalid topic or service name
"""

from __future__ import annotations

from support.conformance.calls import ConformanceOfCalls
from support.conformance.parameters import ConformanceOfParameters
from support.conformance.topics import ConformanceOfTopics


class Conformance(ConformanceOfTopics, ConformanceOfCalls, ConformanceOfParameters):
    """Collected through its subclasses only."""
