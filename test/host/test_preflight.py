"""What a launch needs is looked at before anything starts: one line for the first part that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import bundles
from takead_ros.domain.errors import TakeadError
from takead_ros.nodes import preflight
from takead_ros.nodes.preflight import Launch, main
from takead_ros.resources import resource

NOVICE = str(resource("models/novice.onnx"))


def launched(**changes: object) -> list[Path]:
    return preflight.preflight(Launch.model_validate(changes))


def test_a_launch_that_lacks_nothing(tmp_path: Path) -> None:
    params, pads = tmp_path / "mine.yaml", tmp_path / "input"
    params.write_bytes(bundles.PARAMETERS)
    (tmp_path / "b.tar.zst").write_bytes(bundles.make(parameters=bundles.PARAMETERS))
    pads.mkdir()
    (pads / "js0").touch()
    files = launched(
        model=str(tmp_path / "b.tar.zst"),
        key=str(bundles.write_keys(tmp_path)[1]),
        bundled=True,
        unpack=str(tmp_path / "unpacked"),
        params=str(params),
        pad=True,
        devices=str(pads),
        joystick_map="g29",
        simulator="vector",
        suite="demo",
        seed=3,
        bags=str(tmp_path / "clips"),
    )
    assert files == [tmp_path / "unpacked" / "parameters.yaml", params], "what the user gives counts last"
    assert files[0].read_bytes() == bundles.PARAMETERS


def test_a_bare_model_has_no_parameters() -> None:
    assert launched(model=NOVICE) == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"model": "baselin"}, "model 'baselin'.*did you mean baseline"),
        ({"model": "/none.onnx"}, "model '/none.onnx'"),
        ({"model": NOVICE, "bundled": True}, "a vehicle takes a bundle .takead model bundle."),
        ({"model": NOVICE, "provider": "cuda"}, "provider 'cuda'"),
        ({"model": NOVICE, "key": "/none.pem"}, "none.pem': No such file"),
        ({"model": NOVICE, "key": "TEAM"}, "a bare ONNX file has no signature"),
        ({"model": "UNSIGNED", "key": "TEAM", "bundled": True}, "is not signed"),
        ({"model": "FOREIGN", "key": "TEAM", "bundled": True}, "signed by another, or changed"),
        ({"model": "ODD", "bundled": True}, "odd.tar.zst/parameters.yaml: arbiter_node: parameter 'human_hold_s' = -1"),
        ({"params": "/none.yaml"}, "none.yaml': No such file"),
        ({"params": "ODD"}, "odd.yaml: arbiter_node: parameter 'human_hold_s' = -1"),
        ({"pad": True, "devices": "/none"}, "no pad or wheel is plugged in .nothing in /none/js.*joystick:=topic"),
        ({"joystick_map": "wheel"}, "mapping 'wheel' to be a path or one of dualshock, g29, xbox"),
        ({"simulator": "vector", "suite": "demoo"}, "demoo"),
        ({"simulator": "vector", "suite": "demo", "family": "cut_inn"}, "cut_inn"),
        ({"vehicle": "cart"}, "vehicle 'cart': unknown, expected one of ackermann, carla"),
        ({"bags": "/proc/clips"}, "output folder '/proc/clips'"),
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(value),
)
def test_a_missing_part_is_named(tmp_path: Path, wanted: dict[str, object], words: str) -> None:
    odd = b"/**/arbiter_node:\n  ros__parameters: {human_hold_s: -1.0}\n"
    (tmp_path / "unsigned.tar.zst").write_bytes(bundles.make(key=None))
    (tmp_path / "foreign.tar.zst").write_bytes(bundles.make(key=bundles.OTHER))
    (tmp_path / "odd.tar.zst").write_bytes(bundles.make(parameters=odd))
    (tmp_path / "odd.yaml").write_bytes(odd)
    files = {
        "key": {"TEAM": str(bundles.write_keys(tmp_path)[1])},
        "model": {name.upper(): str(tmp_path / f"{name}.tar.zst") for name in ("unsigned", "foreign", "odd")},
        "params": {"ODD": str(tmp_path / "odd.yaml")},
    }
    made = {name: files.get(name, {}).get(str(value), value) for name, value in wanted.items()}
    with pytest.raises(TakeadError, match=words):
        launched(**made)


def test_a_simulator_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "NEEDS", {"no_such_simulator": "get it there"})
    with pytest.raises(TakeadError, match="simulator 'no_such_simulator' is not installed: get it there"):
        launched(simulator="no_such_simulator", suite="demo")


def test_the_program_prints_files_or_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = tmp_path / "mine.yaml"
    params.write_bytes(bundles.PARAMETERS)
    assert main([Launch(params=str(params)).model_dump_json()]) == 0
    assert capsys.readouterr().out == f"{params}\n"
    assert main([Launch(params="/none.yaml").model_dump_json()]) == 2
    assert main(['{"modle": 1}']) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 2 and "modle" in said.err
