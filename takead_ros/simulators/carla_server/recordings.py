"""The recorder and the replayer of CARLA's client: files by plain name in one folder, one recording at a time.

A client may write and read there and nowhere else: a name with a folder in it is refused unless it is this folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server.recording import MAGIC, Recording
from takead_ros.simulators.carla_server.recording_query import show_blocked, show_collisions, show_frames
from takead_ros.simulators.carla_server.replayer import Replayer, Wanted
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import CallRefused, Transform
from takead_ros.simulators.carla_server.world_recorder import MOST_BYTES, WorldRecorder

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
MOST_FRAMES = 500_000
FASTEST = 100.0


class Recordings:
    """What is recorded and replayed on one server; ``folder``: None where it was given none."""

    def __init__(self, folder: Path | None, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._recorder: WorldRecorder | None = None
        self.time_factor, self.ignore_hero, self.ignore_spectator = 1.0, False, True

    def start(self, world: ServerWorld, name: str, additional: bool) -> str:
        """Record from now on, in place of a file of that name; where to. Raises Refused."""
        self.stop()
        self._end_replay(world)
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and MAGIC.encode() not in path.read_bytes()[:32]:
                raise CallRefused(f"{path}: there and no recording, it stays")
            self._recorder = WorldRecorder(path, world, additional)
        except (OSError, TakeadError) as error:
            raise CallRefused(f"recording '{path.name}': {error}") from error
        return str(path)

    def frame(self, world: ServerWorld) -> None:
        """After each frame of the world."""
        recorder = self._recorder
        if recorder is None:
            return
        if recorder.episode != world.episode:
            self.stop()
            return
        try:
            recorder.frame(world)
        except OSError as error:
            self._say(f"the recording {recorder.path} ends: {error}")
            self.stop()
            return
        if recorder.full:
            self._say(f"the recording {recorder.path} ends at {MOST_BYTES // 2**20} MiB, the most of one")
            self.stop()

    def stop(self) -> None:
        """End the recording, if there is one."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            try:
                recorder.close()
            except OSError as error:
                self._say(f"the recording {recorder.path} is not whole: {error}")

    def info(self, name: str, everything: bool) -> str:
        return self._told(name, lambda found: show_frames(found, everything))

    def collisions(self, name: str, first: int, second: int) -> str:
        """``first``, ``second``: letters of ``recording_query``."""
        types = [chr(one) if 0 <= one < 128 else "" for one in (first, second)]
        return self._told(name, lambda found: show_collisions(found, *types))

    def blocked(self, name: str, least_s: float, least_m: float) -> str:
        return self._told(name, lambda found: show_blocked(found, least_s, least_m))

    def replay(
        self, world: ServerWorld, load: Callable[[str], None], name: str, start: float, duration: float, follow: int,
        sensors: bool, offset: Transform,
    ) -> str:  # fmt: skip
        """Play a recording from the next frame on; what it is. Raises Refused for a map that cannot be had."""
        self._end_replay(world)
        try:
            path = self._path(name)
            found = Recording(_content(path))
            frames = [frame for _, frame in zip(range(MOST_FRAMES), found.frames(), strict=False)]
        except (OSError, TakeadError) as error:
            return _missing(name, error)
        if not frames:
            return f"Replaying File: {path}\nIt has no whole frame\n"
        total = frames[-1].elapsed
        begin = min(max(total + start if start < 0.0 else start, 0.0), total)
        end = min(begin + duration, total) if duration > 0.0 else total
        lines = [f"Replaying File: {path}"]
        if found.map_name.rsplit("/", 1)[-1] != world.town.name.rsplit("/", 1)[-1]:
            load(found.map_name)
            lines.append(f"Loading map {found.map_name}")
        wanted = Wanted(begin, end, self.time_factor, self.ignore_hero, self.ignore_spectator, follow, offset)
        play = Replayer(frames, wanted)
        play.begin(world)
        world.replay = play
        lines += [
            f"Total time recorded: {total:g}",
            f"Replaying from {begin:g} s - {end:g} s ({total:g} s) at {self.time_factor:.1f}x",
        ]
        lines += ["Ignoring Hero vehicle"] * self.ignore_hero + ["Ignoring Spectator camera"] * self.ignore_spectator
        lines += ["Sensors are not replayed by this server"] * sensors
        return "\n".join([*lines, ""])

    def stop_replay(self, world: ServerWorld, keep: bool) -> None:
        if world.replay is not None:
            world.replay.stop(world, keep)
            world.replay = None

    def set_time_factor(self, factor: float) -> None:
        """Of replays that begin from now on. Raises Refused."""
        if not 0.0 < factor <= FASTEST:
            raise CallRefused(f"time factor of the replayer {factor:g}, expected more than 0 and at most {FASTEST:g}")
        self.time_factor = factor

    def _end_replay(self, world: ServerWorld) -> None:
        self.stop_replay(world, keep=False)

    def _told(self, name: str, show: Callable[[Recording], str]) -> str:
        try:
            return show(Recording(_content(self._path(name))))
        except (OSError, TakeadError) as error:
            return _missing(name, error)

    def _path(self, name: str) -> Path:
        if self._folder is None:
            raise CallRefused("this server was started without a folder for recordings")
        asked, folder = Path(name.replace("\\", "/")), self._folder.resolve()
        if not NAME.fullmatch(asked.name) or (asked.parent != Path() and asked.parent != folder):
            raise CallRefused(f"recording '{name[:80]}': expected a plain name; all lie in {folder} (--recordings)")
        return folder / asked.name


def _content(path: Path) -> bytes:
    if path.is_symlink() or path.stat().st_size > 2 * MOST_BYTES:
        raise TakeadError(f"more than {2 * MOST_BYTES // 2**20} MiB, or a link")
    return path.read_bytes()


def _missing(name: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"File {name} not found on server\n"
    return f"File {name}: {error}\n"
