"""The layout tables: what is there, what is refused, what decoders let through, and that they are the library's own."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server import layout_from_library
from takead_ros.simulators.carla_server.values import CallRefused, VehicleControl
from takead_ros.simulators.carla_server.wire_layout import VERSION, load_layout, read_layout

LAYOUT = load_layout(VERSION)
TABLE = layout_from_library.FOLDER / f"{VERSION}.json"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


def test_a_version_without_a_table_is_refused_by_name() -> None:
    with pytest.raises(TakeadError, match=r"CARLA version '0\.9\.15': unknown.*0\.9\.16"):
        load_layout("0.9.15")


def test_a_table_with_other_fields_is_refused(tmp_path: Path) -> None:
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    table["structs"]["VehicleControl"].append(["timestamp", "float"])
    other = tmp_path / "0.9.99.json"
    other.write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(TakeadError, match=r"VehicleControl has the fields .*timestamp"):
        read_layout(other)


def test_sizes_of_what_is_packed() -> None:
    """The sizes that a client of 0.9.16 was seen to take (a wrong one ends its process)."""
    sizes = {
        name: getattr(LAYOUT, name).itemsize for name in ("header", "episode", "actor", "vehicle", "light", "token")
    }
    assert sizes == {"header": 48, "episode": 36, "actor": 119, "vehicle": 30, "light": 54, "token": 24}
    assert (LAYOUT.sign.itemsize, LAYOUT.walker.itemsize, LAYOUT.sensors["FWorldObserver"]) == (32, 17, 17)
    assert LAYOUT.commands[0] == "SpawnActor" and len(LAYOUT.commands) == 22 and len(LAYOUT.calls) > 120


def test_a_control_is_decoded() -> None:
    decode = LAYOUT.decoder("VehicleControl")
    assert decode([0.5, -1, 0.0, False, True, False, 2]) == VehicleControl(0.5, -1.0, 0.0, False, True, False, 2)


@pytest.mark.parametrize(
    "value",
    [
        [0.5, 0.0, 0.0, False, False, False],
        [math.nan, 0.0, 0.0, False, False, False, 0],
        [math.inf, 0.0, 0.0, False, False, False, 0],
        [1e12, 0.0, 0.0, False, False, False, 0],
        ["1", 0.0, 0.0, False, False, False, 0],
        [0.5, 0.0, 0.0, 0, False, False, 0],
        3,
        None,
    ],
)
def test_what_is_no_control_is_refused(value: Any) -> None:
    with pytest.raises(CallRefused):
        LAYOUT.decoder("VehicleControl")(value)


@pytest.mark.slow
@given(ANYTHING)
def test_a_decoder_gives_a_value_or_refuses(value: Any) -> None:
    for kind in (
        "Command",
        "ActorDescription",
        "VehiclePhysicsControl",
        "EpisodeSettings",
        "list:int",
        "optional:float",
    ):
        try:
            LAYOUT.decoder(kind)(value)
        except CallRefused as problem:
            assert len(str(problem)) < 200


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("llvm-dwarfdump") is None, reason="llvm-dwarfdump is not installed")
def test_the_table_is_what_the_library_says() -> None:
    spec = importlib.util.find_spec("carla")
    assert spec is not None and spec.submodule_search_locations is not None
    (library,) = Path(spec.submodule_search_locations[0]).glob("libcarla*.so")
    made = layout_from_library.make_table(library, VERSION)
    kept = json.loads(TABLE.read_text(encoding="utf-8"))
    for part in ("packed", "structs", "enums", "sensors", "commands", "calls"):
        assert json.loads(json.dumps(made[part])) == kept[part], part
