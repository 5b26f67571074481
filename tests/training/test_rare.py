"""Rare-class sampling: the chances of the paper's equation 8, and draws that depend on nothing but the seed and n.

Oracle: 100 pixels of class 0 in images 0 to 7, 25 of class 1 in image 8, worked by hand below.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segue.cli import main
from segue.doctor.counts import LabelCounts
from segue.errors import ConfigError
from segue.training.data import read_loader
from segue.training.rare import RareClassSampler, RareClassStream
from tests.doctor.seeded import make_data

COUNTS = LabelCounts(3, np.arange(10), np.array([0] * 8 + [1]), np.array([10, 10, 10, 10, 15, 15, 15, 15, 25]))


def stream(temperature: float = 0.5, start: int = 0, **options: int) -> RareClassStream:
    made = RareClassStream(9, 4, 7, start=start, stop=500, **options)
    return made.draw_from(COUNTS, RareClassSampler(temperature=temperature, min_pixels=5))


def test_chances_are_those_of_the_paper() -> None:
    """f = 0.8 and 0.2, so exp(0.2 / 0.5) and exp(0.8 / 0.5): 1.4918 and 4.9530 of 6.4449."""
    made = stream()
    assert made.classes.tolist() == [0, 1]
    assert made.chances == pytest.approx([0.23148, 0.76852], abs=1e-5)
    drawn = [draw.index for batch in made for draw in batch]
    assert np.mean(np.array(drawn) == 8) == pytest.approx(0.76852, abs=0.03)  # 2000 draws: 3 sigma are 0.028
    assert set(drawn) == set(range(9))


def test_an_image_has_a_class_only_with_enough_pixels() -> None:
    made = RareClassStream(9, 4, 7).draw_from(COUNTS, RareClassSampler(min_pixels=12))
    assert made.samples[0].tolist() == [4, 5, 6, 7]
    assert made.samples[1].tolist() == [8]


def test_a_stream_that_starts_later_draws_the_same() -> None:
    whole = list(stream())
    assert list(stream(start=123)) == whole[123:]
    first, second = list(stream(rank=0, world=2)), list(stream(rank=1, world=2))
    assert [draw for batch in first for draw in batch][:5] != [draw for batch in second for draw in batch][:5]


def test_it_is_for_training_only() -> None:
    node = {"sampler": {"type": "RareClassSampler"}}
    with pytest.raises(ConfigError, match="RareClassSampler is for training"):
        read_loader(node, "val_dataloader")
    with pytest.raises(ConfigError, match="temperature=0"):
        read_loader({"sampler": {"type": "RareClassSampler", "temperature": 0}}, "train_dataloader")


def test_a_config_trains_with_weights_and_rare_classes_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four iterations in one go, and two and two more, end in the same weights."""
    import torch

    from segue.checkpoints import read

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    config = make_data(tmp_path)
    text = config.read_text().replace("dict(type='InfiniteSampler', shuffle=True)", "dict(type='RareClassSampler')")
    loss = "loss_decode=dict(type='CrossEntropyLoss', class_weight='median'), norm_cfg=norm_cfg),\n    test_cfg"
    config.write_text(text.replace("norm_cfg=norm_cfg),\n    test_cfg", loss))
    longer = ["--cfg-options", "train_cfg.max_iters=4"]
    assert main(["train", "config.py", "--work-dir", "whole", *longer]) == 0
    assert "class_weight='median': [" in capsys.readouterr().out
    assert main(["train", "config.py", "--work-dir", "parts"]) == 0
    assert main(["train", "config.py", "--work-dir", "parts", "--resume", *longer]) == 0
    whole, parts = (read(tmp_path / name / "last.ckpt").state_dict for name in ("whole", "parts"))
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    assert main(["predict", "config.py", "parts/last.ckpt", "data/images/val", "--out", "seen"]) == 0
