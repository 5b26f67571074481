"""A checkpoint of the project: which config it belongs to, and whether that config's model takes it and predicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segue.errors import CheckpointError
from segue.migration.bench import Bench
from segue.migration.configs import Entry, Proof
from segue.migration.modules import Job
from segue.migration.suggest import reasons
from segue.migration.verdict import Fit, Verdict
from segue.migration.weights import choose

#: the name of the config that a checkpoint holds itself
INSIDE = "config_of_the_checkpoint.py"


def fit(file: Path, proof: Proof, run: Job, bench: Bench, verdicts: Sequence[Verdict], config: str | None) -> Fit:
    """Load a checkpoint into the config given, else the one whose weights agree best with it, and predict."""
    root = str(bench.edited)
    base = {"root": root, "folders": [".", *proof.suggester.places.values()], "code": proof.code, "trust": proof.trust}
    looked = run({**base, "kind": "weights", "file": str(file.resolve()), "code": False})
    if not looked["ok"]:
        return Fit(str(file), reason="; ".join(reasons(looked, root)))
    found = Fit(str(file), facts=looked["facts"])
    if config is None:
        try:
            found.rated = rated(looked, proof, run, bench, verdicts)[:5]
        except CheckpointError as error:
            found.reason = str(error)
            return found
        config = found.rated[0][0]
    found.config = config
    picture = bench.edited.parent / "seen.png"
    answer = run({**base, "kind": "load", "file": config, "weights": str(file.resolve()), "picture": str(picture)})
    if not answer["ok"]:
        found.reason = "; ".join(reasons(answer, root))
        return found
    found.found = {key: value for key, value in answer.items() if key not in ("loaded", "printed")}
    if picture.exists():
        found.picture = picture.read_bytes()
    return found


def rated(
    looked: dict[str, Any], proof: Proof, run: Job, bench: Bench, verdicts: Sequence[Verdict]
) -> list[tuple[str, float]]:
    """The project's configs by agreement; also the one in the file, where none of the project's agrees wholly.

    Raises:
        CheckpointError: no config agrees at all.
    """
    hint = f"{looked.get('config') or ''} {looked['facts'].get('experiment') or ''}"
    edited = [verdict.path for verdict in verdicts if verdict.status != "as is"]
    shapes = dict(proof.found_shapes)
    best = 0.0
    if shapes:
        try:
            best = choose(looked["shapes"], shapes)[0][1]
        except CheckpointError:
            best = 0.0
    if best < 1 and looked.get("config"):
        (bench.edited / INSIDE).write_text(str(looked["config"]), encoding="utf-8")
        answer = run({**proof.job(Entry(INSIDE), bench.edited), "shapes": True})
        if "shapes" in answer:
            shapes[INSIDE] = answer["shapes"]
    return choose(looked["shapes"], shapes, hint, [*edited, INSIDE])
