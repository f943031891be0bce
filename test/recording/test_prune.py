"""``takead clips prune``: what may go, what stays and why, and that nothing but a clip is ever moved or removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support import stream
from support.clip_verbs import run
from takead_ros.cli import clips
from takead_ros.domain.driving import Source, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked
from takead_ros.recording import clip_folders, clip_manifests, retention, trash
from takead_ros.recording.clip import MANIFEST_FILE
from takead_ros.recording.recover import recover_clip
from takead_ros.recording.verify import verify_clip

ALL = ("--max-age", "0h", "--include-unexported", "--yes")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    human = stream.Takeover(8.0, 9.5, 10.0, Source.HUMAN, Trigger.HUMAN_OVERRIDE, 0.1, requested=False)
    for name, takeover in (("a", stream.Takeover(8.0, 10.0, 11.0, severity=0.9)), ("b", human)):
        (clip,) = stream.record(folder / name, stream.run(16.0, (takeover,)))
        created(clip, "2020-01-01T00:00:00+00:00")
    return folder


def created(clip: Path, when: str, exported: bool = False) -> None:
    manifest = clip_manifests.read_manifest(clip)
    manifest.provenance.created, manifest.exported = when, ["parquet:x"] if exported else []
    (clip / MANIFEST_FILE).write_text(manifest.to_json())


def prune(folder: Path, *options: str, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        run(["prune", str(folder), *options, "--json", "-"], code).split("\nwarning:")[0]
    )
    return answer


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_was_never_exported_and_what_is_severe_is_spared(folder: Path) -> None:
    severe, mild = clip_folders.list_clips(folder)
    assert "never exported" in run(["prune", str(folder), "--max-size", "0.001MB", "--yes"])
    assert severe.exists() and mild.exists()
    arguments = ["--max-size", "0.001MB", "--include-unexported", "--keep-severity", "0.8"]
    assert "would move" in run(["prune", str(folder), *arguments]) and mild.exists()
    answer = prune(folder, *arguments, "--yes")
    assert [Path(item["path"]).name for item in answer["trashed"]] == [mild.name]
    assert [item["why"] for item in answer["withheld"]] == ["too much in all, but severity 0.90 is kept"]
    assert severe.exists() and not mild.exists()


def test_age(folder: Path) -> None:
    old, young = clip_folders.list_clips(folder)
    created(old, "2020-01-01T00:00:00+00:00", exported=True)
    created(young, "2999-01-01T00:00:00+00:00", exported=True)
    prune(folder, "--max-age", "30d", "--yes")
    assert clip_folders.list_clips(folder) == [young]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "nothing says which clips may go"),
        (("--keep-severity", "0.5"), "nothing says which clips may go"),
        ((*ALL, "--keep-severity", "nan"), "severity nan to keep: expected 0 to 1"),
        ((*ALL, "--keep-severity", "5"), "severity 5.0 to keep: expected 0 to 1"),
        ((*ALL, "--keep-severity", "-0.1"), "severity -0.1 to keep: expected 0 to 1"),
        (("--max-age", "soon", "--yes"), "--max-age 'soon': expected a number"),
        (("--max-age", "-1d", "--yes"), "--max-age '-1d': expected a number"),
        (("--max-age", "nand", "--yes"), "--max-age 'nand': expected a number"),
        (("--max-age", "infd", "--yes"), "--max-age 'infd': expected a number"),
        (("--max-size", f"{'9' * 40}GB", "--yes"), "expected a number of up to 12 digits"),
        (("--max-size", "1e3GB", "--yes"), "--max-size '1e3GB': expected a number"),
        (("--max-size", "٣GB", "--yes"), "--max-size '٣GB': expected a number"),
        (("--empty-trash", *ALL), "--empty-trash goes alone"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_refused_before_anything_happens(
    folder: Path, options: tuple[str, ...], words: str
) -> None:
    before = files(folder)
    with pytest.raises(TakeadError) as caught:
        run(["prune", str(folder), *options])
    assert words in str(caught.value) and files(folder) == before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_no_policy_is_made_of_numbers_that_compare_to_nothing(value: float) -> None:
    for settings in ({"max_age_s": value}, {"max_bytes": 1, "keep_severity": value}):
        with pytest.raises(TakeadError, match="expected"):
            retention.RetentionPolicy(**settings)  # type: ignore[arg-type]


def test_a_folder_with_anything_else_in_it_stays(folder: Path) -> None:
    """A manifest dropped into somebody's work, a file beside a bag, a link, a renamed clip, a bag without a manifest's
    id: each is withheld with its reason, and the whole tree is as it was."""
    clip, other = clip_folders.list_clips(folder)
    thesis = folder / "project"
    (thesis / "thesis").mkdir(parents=True)
    (thesis / "thesis" / "work.txt").write_text("years")
    shutil.copy(clip / MANIFEST_FILE, thesis)
    (other / "notes.txt").write_text("mine")
    shutil.copytree(clip, folder / "renamed")
    shutil.copytree(clip, folder / "deep" / clip.name)
    (folder / "deep" / clip.name / "more").mkdir()
    shutil.copytree(clip, folder / "linked" / clip.name)
    bag = folder / "linked" / clip.name / f"{clip.name}_0.mcap"
    bag.unlink()
    bag.symlink_to(clip / f"{clip.name}_0.mcap")
    shutil.rmtree(clip)
    before = files(folder)
    answer = prune(folder, *ALL)
    reasons = {Path(item["path"]).relative_to(folder).parts[0]: item["why"] for item in answer["withheld"]}
    assert answer["trashed"] == [] and files(folder) == before
    assert "so it is no clip" in reasons["project"]
    assert "holds 'notes.txt', which is no part of a clip" in reasons["b"]
    assert "lacks renamed_0.mcap, so it is no clip" in reasons["renamed"] and "holds 'more'" in reasons["deep"]
    assert "which is no part of a clip" in reasons["linked"]


def test_a_clip_that_cannot_be_read_stops_no_other(folder: Path) -> None:
    bad, good = clip_folders.list_clips(folder)
    (bad / MANIFEST_FILE).write_text('{"clip_id": "x"}')
    answer = prune(folder, *ALL, code=1)
    assert [Path(item["path"]) for item in answer["trashed"]] == [good]
    assert [Path(item["path"]) for item in answer["broken"]] == [bad] and bad.exists()


def test_pruned_clips_wait_in_the_trash_and_can_be_moved_back(folder: Path) -> None:
    found = clip_folders.list_clips(folder)
    before = [files(clip) for clip in found]
    assert len(prune(folder, *ALL)["trashed"]) == 2
    assert clip_folders.list_clips(folder) == [] and "0 clips" in run(["ls", str(folder)]), (
        "what is in the trash is no clip"
    )
    waiting = trash.trashed(folder)
    assert [files(clip) for clip in waiting] == before
    for clip, place in zip(waiting, found, strict=True):
        clip.rename(place)
    assert [files(clip) for clip in clip_folders.list_clips(folder)] == before


def test_a_second_clip_of_the_same_name_finds_a_place_in_the_trash(folder: Path) -> None:
    clip = clip_folders.list_clips(folder)[0]
    for _ in range(3):
        shutil.copytree(clip, folder / "copy" / clip.name)
        trash.to_trash(folder / "copy" / clip.name, folder)
    assert len(trash.trashed(folder)) == 3 and {path.name for path in trash.trashed(folder)} == {clip.name}


def test_emptying_the_trash_removes_clips_only(folder: Path) -> None:
    prune(folder, *ALL)
    kept = folder / ".trash" / "thesis"
    kept.mkdir()
    (kept / "work.txt").write_text("years")
    assert len(prune(folder, "--empty-trash")["would_remove"]) == 2 and len(trash.trashed(folder)) == 3
    answer = prune(folder, "--empty-trash", "--yes")
    assert len(answer["removed"]) == 2 and [Path(item["path"]) for item in answer["withheld"]] == [kept]
    assert trash.trashed(folder) == [kept] and (kept / "work.txt").read_text() == "years"


def test_a_trash_that_is_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    clip = clip_folders.list_clips(folder)[0]
    (tmp_path / "elsewhere").mkdir()
    shutil.copytree(clip, tmp_path / "elsewhere" / clip.name)
    (folder / ".trash").symlink_to(tmp_path / "elsewhere")
    assert prune(folder, "--empty-trash", "--yes")["removed"] == []
    assert (tmp_path / "elsewhere" / clip.name).is_dir()


def test_no_clip_is_moved_or_removed_through_a_link_in_the_trash(folder: Path, tmp_path: Path) -> None:
    """A numbered shelf of the trash that leads to somebody's clips, and a trash that leads there altogether."""
    clip = clip_folders.list_clips(folder)[0]
    shutil.copytree(clip, tmp_path / "elsewhere" / clip.name)
    (folder / ".trash").mkdir()
    (folder / ".trash" / "2").symlink_to(tmp_path / "elsewhere")
    (folder / ".trash" / "3").write_text("a file")
    answer = prune(folder, "--empty-trash", "--yes")
    assert answer["removed"] == [] and [Path(item["path"]).name for item in answer["withheld"]] == ["2", "3"]
    assert (tmp_path / "elsewhere" / clip.name).is_dir()
    shutil.rmtree(folder / ".trash")
    (folder / ".trash").symlink_to(tmp_path / "elsewhere")
    answer = prune(folder, "--max-age", "1d", "--include-unexported", "--yes")
    assert answer["trashed"] == [] and all("is a link" in item["why"] for item in answer["withheld"])
    assert clip.is_dir() and len(list((tmp_path / "elsewhere").iterdir())) == 1


def test_nothing_is_moved_while_somebody_records_there(folder: Path) -> None:
    before = files(folder)
    with locked(folder):
        result = CliRunner().invoke(clips.app, ["prune", str(folder), "--max-age", "1d", "--yes"])
    assert isinstance(result.exception, TakeadError) and "in use by process" in str(result.exception)
    assert files(folder) == before


def test_what_appears_in_the_last_moment_stays(folder: Path) -> None:
    clip = clip_folders.list_clips(folder)[0]
    (clip / "new.txt").write_text("mine")
    with pytest.raises(TakeadError, match="holds more than a clip; the rest stays"):
        trash.remove_files(clip, trash.clip_files(clip, clip.name))
    assert (clip / "new.txt").read_text() == "mine"


def test_recovery_removes_nobody_elses_files(folder: Path) -> None:
    """A clip that was cut off, with somebody's file in its folder; and a folder that bears the name of the work."""
    clip = clip_folders.list_clips(folder)[0]
    cut = clip.rename(clip.with_name(clip.name + ".recording"))
    (cut / "metadata.yaml").unlink()
    (cut / "notes.txt").write_text("mine")
    result = recover_clip(cut)
    assert result.clip is not None and verify_clip(result.clip).ok
    assert result.kept is not None and (result.kept / "notes.txt").read_text() == "mine"
    (result.clip / MANIFEST_FILE).write_text("{}")
    work = result.clip.with_name(result.clip.name + ".recovering")
    work.mkdir()
    (work / "thesis.txt").write_text("years")
    with pytest.raises(TakeadError, match="holds more than a clip"):
        recover_clip(result.clip)
    assert (work / "thesis.txt").read_text() == "years"
