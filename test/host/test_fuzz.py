"""Any message on any topic: every node survives it, says nothing that is not finite, and comes back to sense.

The long run (100,000 messages a node): ``python benchmarks/node_fuzz.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support import fuzz, stream
from support.fuzz_supervisor import fuzz_answers
from takead_ros.domain.errors import TakeadError
from takead_ros.messages import codec, interfaces
from takead_ros.recording.recorder import Recorder
from takead_ros.recording.verify import verify_clip

pytestmark = pytest.mark.slow  # thousands of messages

NAMES = ("arbiter", "monitor", "policy", "expert", "joystick", "recorder", "display")


@pytest.mark.parametrize("name", NAMES)
def test_a_node_survives_any_message(name: str, tmp_path: Path) -> None:
    subjects = dict(fuzz.subjects(tmp_path))
    assert set(subjects) - {"simulator"} == set(NAMES)
    said = fuzz.fuzz(subjects[name], 150, seed=1)
    assert all(said[one.name] > 0 for one in subjects[name].said if one is not interfaces.EVENT)


def test_the_simulator_survives_any_command(tmp_path: Path) -> None:
    pytest.importorskip("metadrive", reason="the simulator is an extra")
    assert fuzz.fuzz(dict(fuzz.subjects(tmp_path))["simulator"], 600, seed=1)["scene"] > 50


@pytest.mark.parametrize("seed", range(5))
def test_the_supervisor_survives_any_answer(seed: int) -> None:
    """Any state, any verdict, none, gone and back; once sense comes back every node becomes active."""
    said = fuzz_answers(1000, seed)
    assert said["/diagnostics"] > 20


def test_the_recorder_survives_bytes_that_are_no_message(tmp_path: Path) -> None:
    """As a broken sender would deliver them under ROS 2; what it records in between stays whole."""
    random = np.random.default_rng(3)
    sink = stream.DirectSink(tmp_path)
    recorder = Recorder(stream.CONFIG, stream.TOPICS, stream.PROVENANCE, sink)
    refused = 0
    for message in stream.run(30.0, (stream.Takeover(8.0, 11.0, 12.0),)):
        recorder.receive(message.topic, message.stamp, message.data)
        topics = [one.full_name("/takead") for one in interfaces.RECORDED]
        topic = topics[random.integers(len(topics))]
        try:
            recorder.receive(topic, message.stamp, fuzz.garbage(message.data, random))
        except TakeadError:
            refused += 1
    recorder.finish(31 * stream.SECOND)
    assert refused > 20
    assert [clip for clip in tmp_path.iterdir() if not clip.name.endswith(".recording")]
    for clip in tmp_path.iterdir():
        verify_clip(clip)


def test_every_kind_of_field_gets_odd_values() -> None:
    """The fuzz itself: over many messages each field of a scene takes more than one value, NaN and extremes among
    them."""
    random = np.random.default_rng(0)
    base = fuzz.sensible(interfaces.SCENE, 10**9)
    before, changed = codec.serialize(base), 0
    texts = set()
    for _ in range(300):
        odd = fuzz.mutate(base, random)
        changed += codec.serialize(odd) != before
        texts.add(repr(odd.ego.speed))
    assert changed > 270 and len(texts) > 5 and codec.serialize(base) == before
