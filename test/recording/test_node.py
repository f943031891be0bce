"""The recorder node in the lockstep host: what is published ends up in clips, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support import stream
from support.drive import Drive
from takead_ros.domain.errors import TakeadError
from takead_ros.host import qos, wiring
from takead_ros.messages import codec, convert, interfaces, types
from takead_ros.messages.interfaces import Qos
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.recording import bag, clip_folders, clip_manifests, reader
from takead_ros.recording.clip import Label


def test_takeover_becomes_a_clip_with_the_published_bytes(tmp_path: Path) -> None:
    drive = Drive(tmp_path, scenario="cut_in", seed=3, model_sha256="cd" * 32, provenance='{"speed_limit": 13.9}')
    sent = list(stream.run(22.0, (stream.Takeover(8.0, 11.0, 12.0),)))
    drive.run(sent)
    drive.recorder.close()
    (clip,) = drive.recorder.clips
    manifest = clip_manifests.read_manifest(clip)
    assert (manifest.state, manifest.trigger, manifest.provenance.seed) == ("complete", "collision_predicted", 3)
    assert manifest.provenance.parameters == {"speed_limit": 13.9}
    assert manifest.lost == 0
    wanted = [m for m in sent if 3.0 <= m.stamp / 1e9 <= 14.0]
    got = [m for m in bag.read(clip) if m.topic != "/takead/clip/label"]
    assert [(m.topic, m.data) for m in got[2:]] == [(m.topic, m.data) for m in wanted]
    assert got[0].topic == "/takead/episode" and got[0].stamp == got[2].stamp
    assert codec.deserialize(got[0].data, got[0].type).scenario == "cut_in"
    assert got[1].topic == "/takead/arbiter/state" and got[1].data == sent[0].data
    labels = {frame.label for frame in reader.frames(clip)}
    assert labels == {Label.PRE, Label.TAKEOVER_START, Label.TAKEOVER, Label.HANDBACK, Label.POST}


def test_a_run_without_takeover_writes_nothing(tmp_path: Path) -> None:
    drive = Drive(tmp_path)
    drive.run(stream.run(10.0))
    drive.recorder.close()
    assert drive.recorder.clips == [] and list(tmp_path.iterdir()) == []


def test_whole_run_is_a_demonstration(tmp_path: Path) -> None:
    drive = Drive(tmp_path, mode="all", scenario="cut_in")
    drive.run(stream.run(6.0, (stream.Takeover(2.0, 3.0, 4.0),)))
    drive.recorder.close()
    (clip,) = drive.recorder.clips
    frames = list(reader.frames(clip))
    assert len(frames) == 60 and {frame.label for frame in frames} == {Label.DEMONSTRATION}
    assert clip_manifests.read_manifest(clip).kind == "demonstration"


def test_bookmark_makes_the_same_clip_without_a_takeover(tmp_path: Path) -> None:
    drive = Drive(tmp_path)
    messages = list(stream.run(20.0))
    drive.run(m for m in messages if m.stamp <= 9 * stream.SECOND)
    answer = drive.bookmark.call_async(types.Bookmark.Request(label="odd cyclist"))
    drive.host.advance(0)
    assert answer.result().accepted and answer.result().code == "ok"
    drive.run(m for m in messages if m.stamp > 9 * stream.SECOND)
    drive.recorder.close()
    (clip,) = drive.recorder.clips
    manifest = clip_manifests.read_manifest(clip)
    assert (manifest.kind, manifest.classification, manifest.why) == ("bookmark", "bookmark", "odd cyclist")
    assert manifest.start == 4 * stream.SECOND and manifest.end >= 11 * stream.SECOND
    assert any(m.topic == "/takead/takeover/event" for m in bag.read(clip))


def test_the_joysticks_button_makes_a_bookmark(tmp_path: Path) -> None:
    drive = Drive(tmp_path)
    JoystickNode(drive.host.create_node("joystick_node"), drive.host.steady)
    joy = wiring.publisher(drive.host.create_node("pad"), interfaces.JOY)
    released = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    for message in stream.run(16.0):
        drive.run([message])
        if message.topic == "/takead/scene":
            buttons = [0] * 11
            buttons[3] = int(8.0 <= message.stamp / 1e9 < 8.3)  # Y of an Xbox pad, held for a moment
            joy.publish(types.Joy(header=convert.header_to_msg(message.stamp, ""), axes=released, buttons=buttons))
            drive.host.advance(0)
    drive.recorder.close()
    (clip,) = drive.recorder.clips
    manifest = clip_manifests.read_manifest(clip)
    assert (manifest.kind, manifest.trigger, len(manifest.events)) == ("bookmark", "bookmark", 1)
    assert abs(manifest.start / 1e9 - 3.0) < 0.1 and manifest.end / 1e9 >= 10.0


def test_two_identical_runs_give_identical_clips(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        drive = Drive(tmp_path / name, scenario="cut_in", seed=3)
        drive.run(stream.run(22.0, (stream.Takeover(8.0, 11.0, 12.0),)))
        drive.recorder.close()
        (clip,) = drive.recorder.clips
        found.append((clip.name, list(bag.read(clip)), clip_manifests.read_manifest(clip)))
    assert found[0] == found[1]


def test_an_existing_clip_is_never_overwritten(tmp_path: Path) -> None:
    before: dict[Path, bytes] = {}
    for _ in range(3):
        drive = Drive(tmp_path, scenario="cut_in", seed=3)
        drive.run(stream.run(20.0, (stream.Takeover(8.0, 9.0, 10.0),)))
        drive.recorder.close()
        assert all(path.read_bytes() == data for path, data in before.items())
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert [clip.name[-2:] for clip in clip_folders.list_clips(tmp_path)] == ["ms", "-2", "-3"]
    assert len({clip_manifests.read_manifest(clip).clip_id for clip in clip_folders.list_clips(tmp_path)}) == 3


def test_an_unwritable_folder_is_told_and_counted_and_the_drive_goes_on(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    drive = Drive(blocker / "clips")
    drive.run(stream.run(22.0, (stream.Takeover(8.0, 11.0, 12.0),)))
    drive.recorder.close()
    status = drive.diagnostics[-1].status[0]
    values = {pair.key: pair.value for pair in status.values}
    assert status.level == types.DiagnosticStatus.ERROR and "not recording" in status.message
    assert int(values["lost_disk"]) > 500 and int(values["received /takead/scene"]) > 400
    assert int(values["lost_disk /takead/scene"]) > 100 and "written /takead/scene" not in values
    assert drive.recorder.clips == []


def test_losses_are_told_while_they_happen(tmp_path: Path) -> None:
    drive = Drive(tmp_path)
    drive.run(m for m in stream.run(5.0) if "expert" not in m.topic or m.stamp % (300 * 1_000_000))
    values = {pair.key: int(pair.value) for pair in drive.diagnostics[-1].status[0].values if pair.value.isdigit()}
    assert values["lost_gap /takead/expert/output"] > 5 and "lost_gap /takead/scene" not in values
    drive.recorder.close()


def test_messages_that_the_queue_of_the_middleware_dropped_are_counted(tmp_path: Path) -> None:
    """More at once than a subscription keeps: the publisher's numbers tell how many are missing, on any topic."""
    drive = Drive(tmp_path, topics=["/note:std_msgs/msg/String"])
    note = drive.host.create_node("extra").create_publisher(types.String, "/note", qos.profile(Qos(50)))
    messages = list(stream.run(22.0, (stream.Takeover(8.0, 11.0, 12.0),)))
    drive.run(m for m in messages if m.stamp < 10 * stream.SECOND)
    for number in range(1 + 130):
        note.publish(types.String(data=str(number)))
        if number == 0:
            drive.host.advance(0)
    drive.run(m for m in messages if m.stamp >= 10 * stream.SECOND)
    drive.recorder.close()
    count = clip_manifests.read_manifest(drive.recorder.clips[0]).topics["/note"]
    assert (count.received, count.written, count.lost_gap) == (101, 101, 30)


def test_a_new_episode_ends_the_clip_of_the_last_one_and_names_the_next(tmp_path: Path) -> None:
    drive = Drive(tmp_path)
    messages = list(stream.run(30.0, (stream.Takeover(8.0, 11.0, 12.0), stream.Takeover(14.0, 15.0, 16.0))))
    drive.begin("cut_in", 3)
    drive.run(m for m in messages if m.stamp < 12.5 * stream.SECOND)
    drive.begin("stop_sign", 3)
    drive.run(m for m in messages if m.stamp >= 12.5 * stream.SECOND)
    drive.recorder.close()
    first, second = map(clip_manifests.read_manifest, drive.recorder.clips)
    assert (first.provenance.scenario, first.provenance.seed, first.closed_by) == (
        "cut_in",
        3,
        "another episode began",
    )
    assert (second.provenance.scenario, second.start) == ("stop_sign", round(12.45 * stream.SECOND))
    assert (second.provenance.map, second.provenance.simulator) == ("Town00", "stream 1.0")
    for clip, scenario in zip(drive.recorder.clips, ("cut_in", "stop_sign"), strict=True):
        told = [codec.deserialize(m.data, m.type) for m in bag.read(clip) if m.topic == "/takead/episode"]
        assert [msg.scenario for msg in told] == [scenario]
    assert first.clip_id.startswith("cut-in_s3_") and second.clip_id.startswith("stop-sign_s3_")


def test_a_new_route_alone_ends_no_clip(tmp_path: Path) -> None:
    drive = Drive(tmp_path, scenario="cut_in", seed=3)
    messages = list(stream.run(22.0, (stream.Takeover(8.0, 11.0, 12.0),)))
    drive.run(m for m in messages if m.stamp < 10 * stream.SECOND)
    drive.begin("cut_in", 3, route="to the station", stamp=0)
    drive.run(m for m in messages if m.stamp >= 10 * stream.SECOND)
    drive.recorder.close()
    (clip,) = drive.recorder.clips
    assert clip_manifests.read_manifest(clip).closed_by == "post window passed"
    told = [codec.deserialize(m.data, m.type).route for m in bag.read(clip) if m.topic == "/takead/episode"]
    assert told == ["", "to the station"]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"mode": "some"}, "'mode' = 'some': Input should be 'clips' or 'all'"),
        ({"ring_s": 4.0}, "ring_s = 4.0, expected more than pre_s"),
        ({"compression": "rar"}, "'compression' = 'rar'"),
        ({"flush_s": 0.0}, "'flush_s' = 0.0: Input should be greater"),
        ({"provenance": "[1]"}, "'provenance' = '[1]': Value error, expected a JSON object"),
        ({"topics": ["/tf_static"]}, "'/tf_static', expected a topic of ours or /name:package/msg/Type"),
        ({"topics": ["/x:foo_msgs/msg/Bar"]}, "known message type"),
    ],
)
def test_bad_parameters_are_named(tmp_path: Path, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(TakeadError, match=r"recorder_node") as caught:
        Drive(tmp_path, **parameters)
    assert words in str(caught.value)


def test_further_topics_are_recorded_and_latched_ones_repeated(tmp_path: Path) -> None:
    drive = Drive(tmp_path, topics=["/robot:std_msgs/msg/String:latched", "/note:std_msgs/msg/String"])
    node = drive.host.create_node("extra")
    latched = node.create_publisher(types.String, "/robot", qos.profile(Qos(1, latched=True)))
    note = node.create_publisher(types.String, "/note", qos.profile(Qos(50)))
    latched.publish(types.String(data="urdf"))
    messages = list(stream.run(22.0, (stream.Takeover(10.0, 11.0, 12.0),)))
    drive.run(m for m in messages if m.stamp < 11 * stream.SECOND)
    note.publish(types.String(data="here"))
    drive.run(m for m in messages if m.stamp >= 11 * stream.SECOND)
    drive.recorder.close()
    (clip,) = drive.recorder.clips
    texts = [
        (m.topic, codec.deserialize(m.data, m.type).data) for m in bag.read(clip) if m.topic in ("/robot", "/note")
    ]
    assert texts == [("/robot", "urdf"), ("/note", "here")]
