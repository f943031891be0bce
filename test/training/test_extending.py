"""The examples of docs/extending.md run: a format, a network for it, and a stage that trains it further."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from support import stream
from support.scenes import make_scene
from support.tables import make_table
from takead_ros.domain.driving import DriveCommand, DriverStatus, Source
from takead_ros.domain.units import SECOND
from takead_ros.messages import codec, convert, types
from takead_ros.policy.format import SCENE, Observation
from takead_ros.policy.formats import FORMATS
from takead_ros.policy.model import load_model
from takead_ros.recording import bag, clip_manifests
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.reader import frames
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.writer import ClipWriter
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.checkpoint import ModelProvenance, load_parent
from takead_training.data.dataset import Dataset
from takead_training.data.samples import clip_samples
from takead_training.export.export_model import export_model
from takead_training.settings import Schedule
from takead_training.stages.bc import BC, Cloning
from takead_training.stages.registry import STAGES
from takead_training.stages.stage import run_stages

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
SECTIONS = ("A policy format", "A network", "A training stage")


@pytest.fixture
def page() -> Iterator[dict[str, Any]]:
    """The page's examples, run one after the other; what they register goes again afterwards."""
    registries = (FORMATS, ARCHITECTURES, STAGES)
    before = [dict(registry) for registry in registries]
    names: dict[str, Any] = {"__name__": "extending"}
    text = PAGE.read_text(encoding="utf-8")
    for title in SECTIONS:
        section = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", text, re.M | re.S)
        assert section is not None, title
        for block in re.findall(r"```python\n(.*?)```", section[1], re.S):
            exec(compile(block, str(PAGE), "exec", dont_inherit=True), names)
    yield names
    for registry, held in zip(registries, before, strict=True):
        registry.clear()
        registry.update(held)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_format_a_network_and_a_stage_of_ones_own_are_trained_exported_and_driven(
    page: dict[str, Any], tmp_path: Path
) -> None:
    shared = page["SHARED"]
    table = make_table(150)
    table["asked"] = np.random.default_rng(0).normal(size=(150, 2)).astype(np.float32)
    data = Dataset.of(shared, table)
    quick = Schedule(epochs=2, batch=64, threads=1)
    stages = [BC.with_settings(Cloning(quick, "plain-1")), STAGES["speed"]]
    checkpoint = run_stages(
        stages,
        None,
        data,
        ModelProvenance("mine", "random"),
        data.batch(np.arange(20), ()),
        lambda number, stage: tmp_path / f"{stage.name}.pt",
        lambda *_: None,
        lambda *_: None,
    )
    manifest, parity = export_model(checkpoint, tmp_path / "m.onnx")
    assert (manifest.architecture, manifest.encoding) == ("plain-1", "vector-1-shared") and parity.same_choice
    assert manifest.needs == ("scene", "human/command") and manifest.stage == "speed"

    policy = load_model(tmp_path / "m.onnx")
    scene = make_scene(4)
    silent = policy.infer(scene)
    assert silent.status == DriverStatus.ERROR and "human/command" in silent.status_text
    answers = [
        policy.infer(scene, {"human/command": SimpleNamespace(steering_angle=angle, acceleration=0.0)})
        for angle in (-0.5, 0.5)
    ]
    assert all(answer.status == DriverStatus.OK for answer in answers)
    assert not np.array_equal(answers[0].logits, answers[1].logits)  # the further topic reaches the network
    net, _ = load_parent(tmp_path / "m.onnx")
    assert net.architecture == "plain-1" and net.settings == {"width": 32}


def test_the_examples_encoding_is_the_old_one_and_one_more(page: dict[str, Any]) -> None:
    message = SimpleNamespace(steering_angle=0.1, acceleration=-1.0)
    encoded = page["SHARED"].encode(Observation(make_scene(1), {"human/command": message}))
    np.testing.assert_allclose(encoded["asked"], [0.1, -1.0])
    assert set(encoded) == set(page["SHARED"].inputs)


def test_it_is_taught_from_clips_what_it_was_told_when_the_scene_came_in(page: dict[str, Any], tmp_path: Path) -> None:
    """A person's commands at 6.5 s and 9 s of the recording: from the first one on every row has the newest."""

    def drive() -> Iterator[SerializedMessage]:
        for message in stream.run(12.0, (stream.Takeover(6.0, 8.0, 8.5),)):
            yield message
            if message.topic == "/takead/command" and message.stamp in (6.5 * SECOND, 9 * SECOND):
                command = DriveCommand(message.stamp, message.stamp / SECOND / 100.0, -1.0, Source.HUMAN, Source.HUMAN)
                data = codec.serialize(convert.command_to_msg(command))
                yield SerializedMessage("/takead/human/command", message.stamp, data)

    (clip,) = stream.record(tmp_path, drive())
    shared = page["SHARED"]
    table, world = clip_samples(frames(clip, shared.needs), 0, shared)
    stamps = world.stamps[table["frame"]]
    assert stamps[0] == 6_600_000_000, "nothing was told before"
    asked = np.where(stamps <= 9 * SECOND, 0.065, 0.09)  # the scene at 9 s came in before the command
    np.testing.assert_allclose(table["asked"], np.stack([asked, np.full(len(asked), -1.0)], -1), rtol=1e-6)
    assert (stamps > 9 * SECOND).sum() > 5
    plain, _ = clip_samples(frames(clip), 0, page["VECTOR_1"])
    assert len(plain["speed"]) > len(table["speed"]) + 20


def test_a_topic_of_its_own_is_handed_on_by_its_name_and_type(tmp_path: Path) -> None:
    """Such as a camera's: not in the table of topics, recorded because the recorder was told to."""
    need = "/horn:std_msgs/msg/String"
    topics = {**stream.TOPICS, "/horn": BagTopic("std_msgs/msg/String")}
    (clip,) = stream.record(tmp_path / "whole", stream.run(12.0, (stream.Takeover(6.0, 8.0, 8.5),)))
    manifest = clip_manifests.read_manifest(clip)
    (tmp_path / "work").mkdir()
    writer = ClipWriter(tmp_path / "work", tmp_path / "clip", manifest, topics)
    scenes = 0
    for message in bag.read(clip):
        writer.write(SerializedMessage(message.topic, message.stamp, message.data))
        scenes += message.topic == "/takead/scene"
        if message.topic == "/takead/scene" and scenes in (41, 81):
            writer.write(SerializedMessage("/horn", message.stamp, codec.serialize(types.String(data=f"{scenes}"))))
    writer.close(manifest.model_copy(update={"content_sha256": ""}))
    heard = [frame.others[need].data for frame in frames(tmp_path / "clip", (SCENE, need)) if frame.others]  # type: ignore[attr-defined]
    assert set(heard[:20]) == {"41"} and heard[20:] == ["81"] * len(heard[20:]) and len(heard) > 30
