"""Bundles: model bundle, verify and install."""

from __future__ import annotations

from support import bundles
from trial.case import Case, attacker, breaker, broken_file, user

BUNDLE = "model bundle m.onnx --release 4 --out new.tar.zst"
KEY = "--key bundles/team.pub.pem"
TO = "--to bundles/in_use.tar.zst"

CASES: tuple[Case, ...] = (
    user("model bundle", BUNDLE, 0, "new.tar.zst: model", "release 4, no signature checked"),
    user("model bundle signed", f"{BUNDLE} --sign bundles/team.pem", 0, "release 4, signed by"),
    user("model bundle with parameters", f"{BUNDLE} --params bundles/mine.yaml", 0, "release 4"),
    user("model bundle of a bundle", "model bundle bundles/old.tar.zst --release 9 --out n.tar.zst", 0, "release 9"),
    user("model bundle of another name", "model bundle m.onnx --release 4 --out new.tgz", 2, "ends in .tar.zst"),
    user("model bundle over a file", f"{BUNDLE}", 2, "exists already", damage="text new.tar.zst mine"),
    user("model bundle without a release", "model bundle m.onnx --out new.tar.zst", 2, "--release"),
    user("model verify a bundle", f"model verify bundles/b.tar.zst {KEY}", 0, "sound", "release 3, signed by"),
    user("model verify a bundle as json", f"model verify bundles/b.tar.zst {KEY} --json -", 0, '"release": 3'),
    user("model show a bundle", "model show bundles/b.tar.zst", 0, "sha256", "vector-1"),
    user(
        "model install", f"model install bundles/b.tar.zst {TO} {KEY}", 0, "in_use.tar.zst: model", "release 3, signed",
        writes="bundles/in_use.tar.zst",
    ),
    user("model install, the first", "model install bundles/b.tar.zst --to first.tar.zst", 0, "first.tar.zst: model"),
    user("model install an older one", f"model install bundles/old.tar.zst {TO}", 2,
         "release 2 is older than release 3, which is in use at 'bundles/in_use.tar.zst'", "--allow-older"),
    user("model install an older one meant", f"model install bundles/old.tar.zst {TO} --allow-older", 0, "release 2",
         writes="bundles/in_use.tar.zst"),
    user("model install a bare model", f"model install m.onnx {TO}", 2, "m.onnx", "expected a bundle"),
    breaker("model install over a broken one", f"model install bundles/b.tar.zst {TO}", 2, "in_use.tar.zst",
            damage="noise bundles/in_use.tar.zst"),
    user("model install into a new folder", "model install bundles/b.tar.zst --to opt/x.tar.zst", 0, "opt/x.tar.zst"),
    user("model install what is not there", f"model install none.tar.zst {TO}", 2, "none.tar.zst", "No such file"),
    breaker("model install over a folder", "model install bundles/b.tar.zst --to x.tar.zst", 2, "Is a directory",
            damage="folder x.tar.zst"),
    breaker("model install over a pipe", "model install bundles/b.tar.zst --to x.tar.zst", 2, "Is a pipe",
            damage="pipe x.tar.zst"),
    breaker("model install below a file", "model install bundles/b.tar.zst --to m.onnx/x.tar.zst", 2, "m.onnx"),
    attacker("model install over a link that leads nowhere", "model install bundles/b.tar.zst --to x.tar.zst", 2,
             "x.tar.zst", damage="link nowhere.tar.zst x.tar.zst"),
    attacker("model install over what is no bundle", "model install bundles/b.tar.zst --to x.tar.zst", 2,
             "not one whole zstd frame", damage="text x.tar.zst mine"),
    attacker("model install beside a foreign lock", "model install bundles/b.tar.zst --to x.tar.zst", 2, "no lock",
             damage="text x.tar.zst.lock mine"),
    breaker("model bundle over a link", BUNDLE, 2, "exists already", damage="link nowhere.tar.zst new.tar.zst"),
    breaker("model bundle below a file", "model bundle m.onnx --release 4 --out m.onnx/new.tar.zst", 2, "m.onnx"),
    breaker("model bundle of release 9...9", f"model bundle m.onnx --release {'9' * 5000} --out n.tar.zst", 2,
            "--release"),
    *broken_file(f"{BUNDLE} --params bundles/mine.yaml", "bundles/mine.yaml", "bundles/mine.yaml",
                 kinds="missing noise folder loop pipe sparse"),
    *broken_file(f"model install bundles/b.tar.zst {TO}", "bundles/b.tar.zst", "bundles/b.tar.zst"),
    breaker("model bundle of odd parameters", f"{BUNDLE} --params bundles/mine.yaml", 2, "mine.yaml", "human_hold_s",
            damage="text bundles/mine.yaml /**/arbiter_node: {ros__parameters: {human_hold_s: -1.0}}"),
    breaker("model bundle of a broken model", BUNDLE, 2, "m.onnx", damage="flip m.onnx"),
    breaker("model bundle signed by a public key", f"{BUNDLE} --sign bundles/team.pub.pem", 2, "Ed25519 private key"),
    breaker("model verify by a private key", "model verify bundles/b.tar.zst --key bundles/team.pem", 2,
            "belongs on no vehicle"),
    attacker("model install unsigned", f"model install bundles/old.tar.zst {TO} {KEY} --allow-older", 2, "not signed"),
    attacker("model verify a bare model by a key", f"model verify m.onnx {KEY}", 2, "has no signature"),
    *broken_file(f"model verify bundles/b.tar.zst {KEY}", "bundles/b.tar.zst", "bundles/b.tar.zst"),
    *broken_file(f"model verify bundles/b.tar.zst {KEY}", "bundles/team.pub.pem", "bundles/team.pub.pem"),
    *broken_file(f"{BUNDLE} --sign bundles/team.pem", "bundles/team.pem", "bundles/team.pem"),
    *(
        attacker(f"model verify a bundle: {name}", f"model verify bundles/b.tar.zst {KEY}", 2, "bundles/b.tar.zst:",
                 damage=f"bundle bundles/b.tar.zst {name}")
        for name in (*bundles.BAD, *bundles.TOLD, *bundles.KEYED)
    ),
)  # fmt: skip
