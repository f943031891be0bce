"""What is used of ROS 2's Python packages is there in Humble too, by the names and arguments that its sources have.

The table is made by ``benchmarks/ros_api.py``. It proves names, not meanings: nothing was run on Humble.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from support.ros_api import ANY, CONSTRUCTOR, ROOT, Api, Where, attributes_of, imports_of, keywords_of
from takead_ros.files import read_record
from takead_ros.host.api import NodeHandle

HUMBLE = read_record(Api, Path(__file__).with_name("ros_api_humble.json"), "a table of benchmarks/ros_api.py")


def place(where: Where) -> str:
    return f"{where[0].relative_to(ROOT)}:{where[1]}"


def test_what_is_imported_is_there() -> None:
    missing = [
        f"{place(where)}: {module}.{name}"
        for where, module, name in imports_of()
        if name not in HUMBLE.names.get(module, [])
    ]
    assert missing == []


def test_what_is_called_takes_these_keywords() -> None:
    missing = []
    for where, name, keyword in keywords_of():
        known = HUMBLE.arguments(name, CONSTRUCTOR)
        if known is not None and keyword not in known and ANY not in known:
            missing.append(f"{place(where)}: {name}({keyword}=)")
    assert missing == []


@pytest.mark.parametrize(
    "name", [name for name, one in vars(NodeHandle).items() if inspect.isfunction(one) and not name.startswith("_")]
)
def test_a_node_handle_is_rclpys_node(name: str) -> None:
    wanted = [one for one in inspect.signature(getattr(NodeHandle, name)).parameters if one != "self"]
    known = HUMBLE.arguments("rclpy.Node", name)
    assert known is not None and set(wanted) <= set(known), f"{name}: {wanted}, Humble has {known}"


def test_the_hosts_own_nodes_call_what_is_there() -> None:
    known = {*HUMBLE.classes["rclpy.Node"], *HUMBLE.classes["rclpy.LifecycleNodeMixin"]}
    assert [f"{place(where)}: {name}" for where, name in attributes_of() if name not in known] == []
