"""Clips into rows: which are learned from, how they are kept, and how rows come out again. Really recorded episodes."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from support import stream
from support.results import episode_result, run_settings
from support.tables import make_data, make_table
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import parse_seeds
from takead_ros.files import write_record
from takead_ros.policy.vector import VECTOR_1
from takead_ros.recording.clip import Label
from takead_ros.recording.recorder import Recorder
from takead_ros.runs.results import evaluation
from takead_training.data import cache
from takead_training.data.clean import epoch_rows, rows_to_keep, weights
from takead_training.data.clips import TrainingClip, find_clips
from takead_training.data.columns import LABELS, TARGETS_LAYOUT, inputs_layout
from takead_training.data.dataset import ClipRows, Dataset
from takead_training.data.perfect import perfect_clips
from takead_training.settings import Clean


def one(folder: Path) -> TrainingClip:
    (clip,) = find_clips([folder]).clips
    return clip


def copied(clip: TrainingClip, to: Path, **changes: object) -> Path:
    """A copy of a clip whose manifest.json (not the copy in its bag) is changed."""
    shutil.copytree(clip.path, to)
    about = json.loads((to / "manifest.json").read_text())
    for name, value in changes.items():
        if isinstance(value, dict) and about.get(name):
            about[name].update(value)
        else:
            about[name] = value
    (to / "manifest.json").write_text(json.dumps(about))
    return to


def same(first: Dataset, second: Dataset) -> bool:
    rows = np.arange(len(first))
    if len(first) != len(second) or not np.array_equal(first.records(rows), second.records(rows)):
        return False
    return all(np.array_equal(first.column(n), second.column(n), equal_nan=True) for n in TARGETS_LAYOUT.names)


@pytest.mark.slow
def test_every_frame_holds_both_sides_and_its_world(bags: Path, tmp_path: Path) -> None:
    data, refused = cache.load([one(bags / "driven")], tmp_path, VECTOR_1)
    assert len(data) > 50 and refused == ()
    assert LABELS.index(Label.DEMONSTRATION) not in data.column("label")  # the policy drove
    assert (data.column("choice") >= 0).mean() > 0.95
    assert np.isfinite(data.column("expert_score")).mean() > 0.95
    (part,) = data.parts
    assert part.world is not None
    world = part.world()
    assert len(world) > 50 and world.candidates.shape[1] == 128
    assert data.column("frame").max() < len(world)
    assert np.isfinite(world.logits[data.column("frame")]).mean() > 0.95


@pytest.mark.slow
def test_loading_does_not_depend_on_workers_or_cache(bags: Path, tmp_path: Path) -> None:
    clips = find_clips([bags]).clips
    first, _ = cache.load(clips, tmp_path / "a", VECTOR_1, workers=1)
    told: list[tuple[int, int]] = []
    again, _ = cache.load(clips, tmp_path / "a", VECTOR_1, progress=lambda *at: told.append(at))
    other, _ = cache.load(clips, tmp_path / "b", VECTOR_1, workers=2)
    assert same(first, again) and same(first, other) and told == [(2, 2)]  # nothing was encoded again
    assert isinstance(again.parts[0].inputs.base, np.memmap) or isinstance(again.parts[0].inputs, np.memmap)


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["index.json", "*.inputs.npy", "*.targets.npy", "*.world.npz"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_broken_cache_is_made_again(bags: Path, tmp_path: Path, pattern: str, damage: str) -> None:
    clips = [one(bags / "driven")]
    before, _ = cache.load(clips, tmp_path / "c", VECTOR_1)
    before = Dataset(VECTOR_1, [ClipRows(np.array(p.inputs), np.array(p.targets)) for p in before.parts])
    (file,) = (tmp_path / "c").glob(pattern)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.unlink()
    if damage != "gone":
        file.write_bytes(data if damage == "flip" else data[: len(data) // 2])
    after, refused = cache.load(clips, tmp_path / "c", VECTOR_1)
    assert same(before, after) and not refused
    assert after.parts[0].world is not None and len(after.parts[0].world()) > 50


@pytest.mark.slow
@pytest.mark.parametrize("split", ["test", "selection"])
def test_clips_of_test_and_selection_seeds_are_refused(bags: Path, tmp_path: Path, split: str) -> None:
    seed = parse_seeds(f"{split}:3")[0]
    copied(one(bags / "driven"), tmp_path / "clip", provenance={"seed": seed})
    with pytest.raises(TakeadError, match=f"is a {split} seed"):
        find_clips([tmp_path])


@pytest.mark.slow
def test_a_clip_that_hides_its_seed_does_not_pass(bags: Path, tmp_path: Path) -> None:
    """Neither by leaving it out of manifest.json, nor by having none at all, unless a person says so."""
    copied(one(bags / "driven"), tmp_path / "clip", provenance={"seed": None})
    with pytest.raises(TakeadError, match=r"differ \(provenance\)"):
        find_clips([tmp_path], unseeded=True)


def test_a_clip_without_a_seed_is_learned_from_only_where_a_person_says_so(tmp_path: Path) -> None:
    """A vehicle's clip: no simulator told the recorder what is driven."""
    sink = stream.DirectSink(tmp_path)
    nothing_known = stream.PROVENANCE.model_copy(update={"seed": None, "suite": "", "scenario": ""})
    recorder = Recorder(stream.CONFIG, stream.TOPICS, nothing_known, sink)
    for message in stream.run(12.0, (stream.Takeover(5.0, 7.0, 8.0),)):
        recorder.receive(*message)
    recorder.finish(12 * stream.SECOND)
    (made,) = sink.clips
    with pytest.raises(TakeadError, match=f"clip {made}: names no seed"):
        find_clips([tmp_path])
    assert [clip.path for clip in find_clips([tmp_path], unseeded=True).clips] == [made]


@pytest.mark.slow
def test_manifests_that_differ_and_clips_that_cannot_be_read_are_counted(bags: Path, tmp_path: Path) -> None:
    clip = one(bags / "driven")
    copied(clip, tmp_path / "a-good")
    copied(clip, tmp_path / "b-other", trigger="stuck", severity=0.9)
    copied(clip, tmp_path / "c-broken", severity="much")
    (next(iter(copied(clip, tmp_path / "d-cut").glob("*.mcap")))).write_bytes(b"\x89MCAP0\r\n")
    found = find_clips([tmp_path])
    assert len(found.clips) == 1
    assert [one.path.name for one in found.refused] == ["b-other", "c-broken", "d-cut"]
    assert "trigger" in found.refused[0].why and "severity" in found.refused[1].why
    assert "damaged" in found.refused[2].why
    copied(clip, tmp_path / "judged" / "clip", relabel={"classification": "takeover"})
    assert len(find_clips([tmp_path / "judged"]).clips) == 1, "a person's word is no difference"


@pytest.mark.slow
def test_casual_overrides_are_left_out_unless_asked_for(bags: Path, tmp_path: Path) -> None:
    copied(one(bags / "driven"), tmp_path / "clip", relabel={"classification": "casual_override"})
    assert find_clips([tmp_path]).clips == ()
    assert len(find_clips([tmp_path], casual=True).clips) == 1


@pytest.mark.slow
def test_a_clip_that_is_there_twice_is_learned_from_once(bags: Path, tmp_path: Path) -> None:
    again = Path(shutil.copytree(bags, tmp_path / "again"))
    once, twice, copied = find_clips([bags]), find_clips([bags, bags]), find_clips([bags, again])
    assert twice.clips == copied.clips == once.clips
    assert len(twice.refused) == len(copied.refused) == len(once.clips) + len(once.refused)
    assert "is the same as" in copied.refused[-1].why


def driven(path: Path, *episodes: tuple[float, str]) -> Path:
    """The JSON of a drive: each episode's Driving Score, and the folder of its clip."""
    results = [
        episode_result(
            seed=seed,
            driving_score=score,
            success=score == 100.0,
            success_rate=float(score == 100.0),
            penalty=score / 100.0,
            expert_share=1.0,
            min_ttc=1.0,
            driver="expert",
            clips=(clip,),
        )
        for seed, (score, clip) in enumerate(episodes)
    ]
    settings = run_settings(model_sha256="", seeds=tuple(range(len(episodes))))
    write_record(path, evaluation("expert", settings, {"assisted": results}))
    return path


@pytest.mark.slow
def test_only_perfect_episodes_where_that_is_asked_for(bags: Path, tmp_path: Path) -> None:
    good, bad = one(bags / "shown"), one(bags / "driven")
    ids = [f"x/{clip.manifest.clip_id}" for clip in (good, bad)]
    told = driven(tmp_path / "drive.json", (100.0, ids[0]), (99.0, ids[1]))
    found = find_clips([bags], only=perfect_clips([told]))
    assert [clip.path for clip in found.clips] == [good.path]
    assert len(found.refused) == 1 and "not of a perfect episode" in found.refused[0].why


def test_what_is_no_result_of_a_drive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "drive.json"
    for content in ("", "{", "[]", '{"episodes": [{"driving_score": NaN, "clips": []}]}'):
        path.write_text(content)
        with pytest.raises(TakeadError, match=r"drive\.json.*expected JSON written by"):
            perfect_clips([path])
    with pytest.raises(TakeadError, match="No such file"):
        perfect_clips([tmp_path / "none.json"])
    with pytest.raises(TakeadError, match="no episode with a Driving Score of 100"):
        perfect_clips([driven(tmp_path / "poor.json", (60.0, "x/a"))])


def test_rows_come_out_of_many_parts_as_they_went_in() -> None:
    table = make_table(100)
    whole = Dataset.of(VECTOR_1, table)
    inputs, targets = inputs_layout(VECTOR_1).pack(table), TARGETS_LAYOUT.pack(table)
    cuts = [0, 3, 3, 40, 97, 100]
    parts = [ClipRows(inputs[a:b], targets[a:b]) for a, b in pairwise(cuts)]
    data = Dataset(VECTOR_1, parts)
    rows = np.random.default_rng(0).integers(0, 100, 500)
    batch = data.batch(rows, ("label", "profile", "choice"))
    for name, values in batch.items():
        np.testing.assert_array_equal(values, table[name][rows], err_msg=name)
    assert batch["label"].dtype == np.int64 and batch["objects"].dtype == np.float32
    assert same(whole, data) and len(data) == 100
    np.testing.assert_array_equal(data.part_of(np.array([0, 2, 3, 39, 40, 99])), [0, 0, 2, 2, 3, 4])
    assert data.with_columns(label=np.arange(100)).batch(np.array([7]), ("label",))["label"] == 7


def standing() -> Dataset:
    """One clip: 10 frames on the move, 16 standing, 4 on the move; each with its perturbed twin."""
    table = make_table(60)
    plain = np.arange(60) % 2 == 0
    table["perturbed"] = (~plain).astype(np.int64)
    moment = np.arange(60) // 2
    still = (moment >= 10) & (moment < 26)
    table["speed"] = np.where(still, 0.0, 8.0).astype(np.float32)
    table["target_speed"] = np.where(still, 0.0, 8.0).astype(np.float32)
    table["control"][:] = 0.0
    table["label"][:] = LABELS.index(Label.DEMONSTRATION)
    return Dataset.of(VECTOR_1, table)


def test_standing_still_is_thinned_to_its_square_root() -> None:
    data = standing()
    assert rows_to_keep(data, Clean()).all()
    keep = rows_to_keep(data, Clean(thin_standing=True))
    assert keep[:20].all() and keep[52:].all() and keep[20:52].sum() == 2 * 4  # frames and their perturbed twins
    assert np.array_equal(keep[::2], keep[1::2])
    assert keep[20] and keep[50]  # the first and the last stay


def test_frames_at_which_the_expert_changes_something_are_drawn_more_often() -> None:
    data = standing()
    assert (weights(data, Clean()) == 1.0).all()
    weight = weights(data, Clean(change_weight=3.5))
    changed = np.flatnonzero(weight > 1.0)
    assert changed.tolist() == [20, 21, 52, 53]  # stops, and goes again
    rows = np.concatenate([epoch_rows(np.arange(60), weight, np.random.default_rng(i)) for i in range(200)])
    often = np.bincount(rows, minlength=60) / 200
    assert often[20] == pytest.approx(3.5, abs=0.2) and often[0] == 1.0
    same_order = epoch_rows(np.arange(60), np.ones(60), np.random.default_rng(1))
    np.testing.assert_array_equal(same_order, np.random.default_rng(1).permutation(np.arange(60)))
    with pytest.raises(TakeadError, match="--change-weight"):
        Clean(change_weight=0.5)


def test_a_dataset_of_nothing_is_empty() -> None:
    assert len(Dataset(VECTOR_1, [])) == 0 and len(Dataset(VECTOR_1, []).column("label")) == 0
    assert len(make_data(5)) == 5
