"""Model bundles: what is packed comes out again, and nothing else is accepted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from trial.material import takead

from support import bundles
from support.scenes import make_scene
from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked
from takead_ros.policy.bundle import Seal, older, open_bundle
from takead_ros.policy.model import load_model, onnx_bytes, onnx_of, open_model
from takead_ros.policy.signing import fingerprint, private_key, public_key

KEY = bundles.TEAM.public_key()


def written(folder: Path, data: bytes) -> Path:
    path = folder / "b.tar.zst"
    path.write_bytes(data)
    return path


def test_what_is_packed_comes_out_again(tmp_path: Path) -> None:
    data = bundles.make(release=7, parameters=bundles.PARAMETERS)
    opened = open_bundle(data, "b", KEY)
    assert opened.model == bundles.NOVICE.read_bytes()
    assert opened.manifest == bundles.NOVICE.with_suffix(".manifest.json").read_bytes()
    assert opened.parameters == bundles.PARAMETERS
    assert opened.seal == Seal(7, fingerprint(KEY)) and opened.signed
    assert onnx_bytes(written(tmp_path, data)) == opened.model


def test_a_bundle_drives_as_its_model_does(tmp_path: Path) -> None:
    policy, bare = load_model(written(tmp_path, bundles.make()), key=KEY), load_model(bundles.NOVICE)
    assert policy.sha256 == bare.sha256 and policy.seal == Seal(3, fingerprint(KEY)) and bare.seal is None
    answers = [one.infer(make_scene()) for one in (policy, bare)]
    assert answers[0].plan.x.tobytes() == answers[1].plan.x.tobytes()
    assert answers[0].steering_angle == answers[1].steering_angle


def test_what_was_checked_is_what_is_used(tmp_path: Path) -> None:
    """Whoever puts another file in its place after the check changes nothing: no part of it is read a second time."""
    path = written(tmp_path, bundles.make(parameters=bundles.PARAMETERS))
    data = path.read_bytes()
    path.unlink()
    policy = open_model(data, path, key=KEY)
    assert policy.seal == Seal(3, fingerprint(KEY)) and policy.parameters == bundles.PARAMETERS
    assert onnx_of(data, path) == bundles.NOVICE.read_bytes()


def test_two_installations_do_not_meet(tmp_path: Path) -> None:
    new, target = written(tmp_path, bundles.make()), tmp_path / "in_use.tar.zst"
    with locked(target):
        said = takead(["model", "install", str(new), "--to", str(target)])
    assert said.code == 2 and "in use by process" in said.all and not target.exists()
    assert takead(["model", "install", str(new), "--to", str(target)]).code == 0
    assert target.read_bytes() == new.read_bytes()


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from support import bundles; "
        "print(hashlib.sha256(bundles.make(parameters=bundles.PARAMETERS)).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(runs) == 1


def test_without_a_key_a_signature_is_carried_but_not_claimed() -> None:
    opened = open_bundle(bundles.make(), "b")
    assert opened.signed and opened.seal.signer == ""
    assert not open_bundle(bundles.make(key=None), "b").signed


@pytest.mark.parametrize("key", [None, KEY], ids=["no key", "key"])
@pytest.mark.parametrize("name", [*bundles.BAD, *bundles.TOLD])
def test_a_bad_bundle_is_refused(tmp_path: Path, name: str, key: object) -> None:
    make, words = {**bundles.BAD, **bundles.TOLD}[name]
    path = written(tmp_path, make())
    if key is not None and name in bundles.TOLD:
        words = "signed by another, or changed"
    with pytest.raises(TakeadError, match=words) as caught:
        load_model(path, key=key)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["b.tar.zst"], "nothing was unpacked"


@pytest.mark.parametrize("name", bundles.KEYED)
def test_what_only_the_signature_tells_is_refused_where_a_key_is_given(tmp_path: Path, name: str) -> None:
    make, words = bundles.KEYED[name]
    path = written(tmp_path, make())
    assert load_model(path).seal is not None, "without a key it is whole"
    with pytest.raises(TakeadError, match=words):
        load_model(path, key=KEY)


def test_a_bare_model_is_refused_where_a_key_is_given() -> None:
    with pytest.raises(TakeadError, match=r"a bare ONNX file has no signature; expected a bundle \(\*\.tar\.zst\)"):
        load_model(bundles.NOVICE, key=KEY)


@pytest.mark.parametrize(
    ("new", "present", "words"),
    [
        (Seal(3, ""), None, ""),
        (None, None, ""),
        (Seal(3, ""), Seal(3, ""), ""),
        (Seal(4, ""), Seal(3, ""), ""),
        (Seal(2, ""), Seal(3, ""), "release 2 is older than release 3, which is in use"),
        (None, Seal(3, ""), "a model without a release is older than release 3, which is in use"),
    ],
)
def test_a_lower_release_is_a_step_back(new: Seal | None, present: Seal | None, words: str) -> None:
    assert older(new, present) == words


def test_keys_are_read_and_others_refused(tmp_path: Path) -> None:
    private, public = bundles.write_keys(tmp_path)
    assert fingerprint(private_key(private).public_key()) == fingerprint(public_key(public)) == fingerprint(KEY)
    with pytest.raises(TakeadError, match="holds a private key, which belongs on no vehicle"):
        public_key(private)
    with pytest.raises(TakeadError, match=r"not readable .*expected an Ed25519 private key"):
        private_key(public)
    other = tmp_path / "other.pem"
    foreign = rsa.generate_private_key(65537, 2048)
    other.write_bytes(foreign.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(TakeadError, match="a RSAPrivateKey; expected an Ed25519 private key"):
        private_key(other)
    other.write_bytes(foreign.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(TakeadError, match="a RSAPublicKey; expected an Ed25519 public key"):
        public_key(other)
    other.write_bytes(bundles.TEAM.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(TakeadError, match="expected an Ed25519 private key in PEM without a password"):
        private_key(other)
    for read in (private_key, public_key):
        with pytest.raises(TakeadError, match=r"none\.pem': No such file"):
            read(tmp_path / "none.pem")
