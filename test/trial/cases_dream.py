"""``takead dream``: a clip as a world to act in again."""

from __future__ import annotations

from trial.case import Case, attacker, breaker, broken_file, user

CLIP = "shelf/CLIP"
BAG = f"{CLIP}/CLIP_0.mcap"
MANIFEST = f"{CLIP}/manifest.json"

CASES: tuple[Case, ...] = (
    user("dream", f"dream {CLIP}", 0, "novice drives, replay, perception none", "dreamed", "as long as the record"),
    user("dream with the recorded commands", f"dream {CLIP} --model recorded", 0, "the ego ends 0."),
    user("dream of rules", f"dream {CLIP} --model recorded --agents rules", 0, "road users react"),
    user("dream as json", f"dream {CLIP} --model recorded --json -", 0, '"end_difference_m"'),
    user("dream the file", f"dream {BAG} --model recorded", 0, "the ego ends 0."),
    user("dream with a picture", f"dream {CLIP} --model recorded --out a.gif", 0, "pictures -> a.gif"),
    user("dream over a picture", f"dream {CLIP} --out a.gif", 2, "exists", damage="text a.gif mine"),
    user("dream a picture of no kind", f"dream {CLIP} --out a.mp4", 2, "a.mp4", ".gif"),
    user("dream nothing", "dream none", 2, "none"),
    user("dream a folder of clips", "dream shelf", 2, "shelf"),
    user("dream without a clip", "dream", 2, "'clip'"),
    user("dream an agents typo", f"dream {CLIP} --agents rule", 2, "replay", "rules", "learned"),
    user("dream a model typo", f"dream {CLIP} --model basline", 2, "basline", "baseline"),
    user("dream with another perception", f"dream {CLIP} --model recorded --perception vehicle", 0, "the ego ends"),
    user("dream a perception typo", f"dream {CLIP} --perception vehicel", 2, "vehicel"),
    *(
        breaker(f"dream at {text}", f"dream {CLIP} --at={text}", 2, "at")
        for text in ("-100", "100", "nan", "inf", "soon")
    ),
    *(
        breaker(f"dream for {text} s", f"dream {CLIP} --seconds={text}", 2, "seconds")
        for text in ("0", "-1", "nan", "long")
    ),
    user("dream for ever", f"dream {CLIP} --model recorded --seconds 1e308", 0, "as long as the record"),
    breaker("dream of a takeover that is not there", f"dream {CLIP} --takeover 9", 2, "no takeover 9"),
    breaker(
        "dream of a model that is not shipped", f"dream {CLIP}", 2, "--model",
        damage=f'set {MANIFEST} provenance.model_sha256 "{"0" * 64}"',
    ),
    *broken_file(f"dream {CLIP} --model recorded", BAG, "CLIP", kinds="empty noise zeros"),
    attacker(
        "dream of a manifest of markup", f"dream {CLIP}", 2, "[/x]",
        damage=f'set {MANIFEST} provenance.model_sha256 "[/x]"',
    ),
    attacker("dream of an escape", f"dream {CLIP} --model 'a\x1b[2Jb'", 2),
)  # fmt: skip
