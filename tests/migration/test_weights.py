"""Which config a checkpoint belongs to. Oracle: names and shapes written here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from segue.config.builder.build import build_model
from segue.errors import CheckpointError
from segue.migration.bench import Bench
from segue.migration.configs import Proof
from segue.migration.find import find
from segue.migration.fit import INSIDE, fit
from segue.migration.run import run_config
from segue.migration.suggest import Suggester
from segue.migration.weights import agreement, choose, perform
from segue.recipes.open import read_config
from tests.migration.projects import MODEL

SMALL = {"a.weight": [3, 3], "a.bias": [3], "b.weight": [2], "count": []}


def test_agreement() -> None:
    """The share of all names that are in both with one shape; a wrapper's prefix does not count."""
    assert agreement(SMALL, SMALL) == 1.0
    assert agreement({f"module.{key}": shape for key, shape in SMALL.items()}, SMALL) == 1.0
    assert agreement(SMALL, {**SMALL, "b.weight": [4]}) == 0.6  # 3 of 5: either side has one of its own
    assert agreement(SMALL, {"c": [1]}) == 0.0 and agreement({}, {}) == 0.0


def test_choice() -> None:
    models = {"x.py": SMALL, "y.py": SMALL, "z.py": {**SMALL, "c": [1]}, "w.py": {"q": [1]}}
    assert [name for name, _ in choose(SMALL, models)] == ["x.py", "y.py", "z.py", "w.py"]
    assert choose(SMALL, models, hint="work_dir = 'work_dirs/y'")[0] == ("y.py", 1.0)
    assert choose(SMALL, models, last=["x.py"])[0] == ("y.py", 1.0)
    with pytest.raises(CheckpointError, match="the weights fit the model of none of the project's configs"):
        choose(SMALL, {"w.py": {"q": [1]}})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A config of a model, and weights that it takes."""
    (tmp_path / "a.py").write_text(MODEL)
    state = build_model(read_config(tmp_path / "a.py")).state_dict()
    torch.save({"state_dict": state, "meta": {"CLASSES": ("sky", "road", "tree"), "config": MODEL}}, tmp_path / "a.pth")
    return tmp_path


def load_job(model: Path, weights: str) -> dict[str, Any]:
    picture = str(model / "p.png")
    return {"kind": "load", "file": str(model / "a.py"), "weights": str(model / weights), "picture": picture}


def test_a_file_is_read_and_loaded(model: Path) -> None:
    """Names, shapes and the config inside; then the model takes it and a picture shows what it sees."""
    looked = perform({"kind": "weights", "file": str(model / "a.pth")}, model)
    assert looked["ok"] and looked["shapes"]["backbone.stem.0.weight"] == [2, 3, 3, 3] and looked["config"] == MODEL
    found = perform(load_job(model, "a.pth"), model)
    assert found["ok"] and found["fits"] and found["taken"] == found["of"] and found["num_classes"] == 3
    assert sum(share for _, share in found["shares"]) == pytest.approx(1.0)
    picture = cv2.imread(str(model / "p.png"))
    assert picture is not None and picture.shape == (256, 512, 3)


def test_what_does_not_fit_is_said(model: Path) -> None:
    state = torch.load(model / "a.pth", weights_only=True)["state_dict"]
    del state["decode_head.conv_seg.weight"]
    torch.save({"state_dict": state | {"extra": torch.ones(1)}}, model / "b.pth")
    found = perform(load_job(model, "b.pth"), model)
    assert not found["fits"] and found["missing"] == ["decode_head.conv_seg.weight"]
    assert found["unexpected"] == ["extra"]
    assert found["said"].startswith("b.pth does not fit the model of the config.") and not (model / "p.png").exists()
    damaged = model / "c.pth"
    damaged.write_bytes(b"no weights")
    answer = perform({"kind": "weights", "file": str(damaged)}, model)
    assert not answer["ok"] and answer["error"]["expected"] and "c.pth" in answer["error"]["message"]


def test_the_config_inside_is_tried_where_the_project_has_none(model: Path) -> None:
    """Without a worker: jobs run here."""

    def run(job: Any) -> dict[str, Any]:
        here = {**job, "file": str(Path(job["root"]) / job["file"])}
        return run_config(here, model / "x") if job["kind"] == "config" else perform(here, model)

    bench = Bench(find(model), model / "scratch")
    proof = Proof(bench, Suggester({}, {}), [run], code=False)
    proof.found_shapes = {"other.py": {"q": [1]}}
    found = fit(model / "a.pth", proof, run, bench, [], None)
    assert found.good, found
    assert found.config == INSIDE and found.rated == [(INSIDE, 1.0), ("other.py", 0.0)] and found.picture[1:4] == b"PNG"
