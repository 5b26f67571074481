"""Provenance: the expected lines are counted by hand in the texts below."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from segue.config import Config, Origin, origin_of

from .tree_files import write

BASE = """
norm_cfg = dict(type='BN')
model = dict(
    backbone=dict(
        depth=18,
        norm_cfg=norm_cfg),
    heads=[
        dict(n=1),
        dict(n=2)])
scales = [s / 2
          for s in range(3)]
train_pipeline = [
    dict(type='A'),
    dict(type='B',
         scale=(512,
                1024)),
]
custom_keys = {
    'backbone.norm': dict(lr=1)
}
"""
CHILD = """
_base_ = 'base.py'
crop = (1, 2)
model = dict(
    backbone=dict(depth=50),
    size=crop)
loader = dict(pipeline=[*_base_.train_pipeline, dict(type='C')])
loader.update(
    batch=3)
loader['workers'] = 4
extra = [1] + \\
    [2]
extra.append(
    3)
"""


@pytest.fixture
def cfg(tmp_path: Path) -> Config:
    write(tmp_path, base=BASE, child=CHILD)
    return Config.fromfile(tmp_path / "child.py")


def place(cfg: Config, path: str) -> tuple[str, int]:
    found = cfg.origin(path)
    assert found is not None
    return Path(found.file).name, found.line


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("norm_cfg.type", ("base.py", 1)),
        ("model.backbone.depth", ("child.py", 4)),
        ("model.backbone.norm_cfg.type", ("base.py", 1)),
        ("model.backbone.norm_cfg", ("base.py", 5)),
        ("model.backbone", ("child.py", 4)),
        ("model.heads", ("base.py", 6)),
        ("model.heads.1", ("base.py", 8)),
        ("model.heads.1.n", ("base.py", 8)),
        ("model.size", ("child.py", 5)),
        ("scales", ("base.py", 9)),
        ("scales.1", ("base.py", 9)),
        ("train_pipeline.1.scale", ("base.py", 14)),
        ("train_pipeline.1.scale.1", ("base.py", 15)),
        ("custom_keys.backbone.norm.lr", ("base.py", 18)),
        ("loader.pipeline.1.scale", ("base.py", 14)),
        ("loader.pipeline.2.type", ("child.py", 6)),
        ("loader.batch", ("child.py", 8)),
        ("loader.workers", ("child.py", 9)),
        ("extra.1", ("child.py", 11)),
        ("extra.2", ("child.py", 12)),
        ("crop", ("child.py", 2)),
    ],
)
def test_lines(cfg: Config, path: str, expected: tuple[str, int]) -> None:
    assert place(cfg, path) == expected


def test_every_leaf_has_an_origin(cfg: Config) -> None:
    found = {".".join(map(str, path)): origin for path, _, origin in cfg.leaves()}
    assert len(found) == 19 and all(found.values())


def test_subtrees_know_their_origins(cfg: Config) -> None:
    assert origin_of(cfg.model, "backbone.depth") == cfg.origin("model.backbone.depth")
    assert origin_of(cfg.train_pipeline[1], "scale") == cfg.origin("train_pipeline.1.scale")
    assert origin_of(cfg, ("custom_keys", "backbone.norm", "lr")) == cfg.origin("custom_keys.backbone.norm.lr")


def test_what_has_none(cfg: Config) -> None:
    assert (
        cfg.origin("model.nothing") is None and cfg.origin("model.heads.9") is None and cfg.origin("crop.0.x") is None
    )
    cfg.model.backbone.depth = 101
    cfg.model.new = {"a": 1}
    assert cfg.origin("model.backbone.depth") is None and cfg.origin("model.new.a") is None
    assert place(cfg, "model.backbone.norm_cfg") == ("base.py", 5)
    cfg.train_pipeline.append({"type": "D"})
    assert place(cfg, "train_pipeline.1.scale") == ("base.py", 14)


def test_copies_keep_them(cfg: Config) -> None:
    before = list(cfg.leaves())
    for again in (cfg.copy(), copy.copy(cfg), copy.deepcopy(cfg), pickle.loads(pickle.dumps(cfg))):
        assert list(again.leaves()) == before
    assert list(copy.deepcopy(cfg.model).items()) == list(cfg.model.items())
    assert origin_of(copy.deepcopy(cfg.model), "size") == cfg.origin("model.size")
    assert origin_of(pickle.loads(pickle.dumps(cfg.model)), "size") == cfg.origin("model.size")


def test_shown_relative_to_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = Origin(str(tmp_path / "a" / "b.py"), 3)
    assert str(origin) == f"{tmp_path}/a/b.py:3"
    monkeypatch.chdir(tmp_path)
    assert str(origin) == "a/b.py:3"


def test_keys_that_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "map.py").write_text("a = 1\nlabels = dict(\n    map={0: 1,\n         7: 'x'})\n")
    assert place(Config.fromfile(tmp_path / "map.py"), "labels.map.7") == ("map.py", 4)
