"""The training sections of a config file: problems come together, each with its file and line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from segue.config import Config
from segue.errors import ConfigError
from segue.training.plan import config_text, located, read_plan

TEXT = """model = dict(type='EncoderDecoder')
train_dataloader = dict(batch_size=2, sampler=dict(type='InfinitSampler'))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=10)
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.1),
    clip_gard=None)
param_scheduler = [
    dict(type='PolyLR', powr=0.9)]
"""


def test_problems_have_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "cfg.py"
    path.write_text(TEXT)
    cfg = Config.fromfile(path)
    with pytest.raises(ConfigError) as caught, located(cfg):
        read_plan(cfg, amp=False)
    text = str(caught.value)
    assert f"{path}:6: optim_wrapper.clip_gard: OptimWrapper has no argument 'clip_gard'" in text
    assert f"{path}:2: train_dataloader.sampler" in text
    assert f"{path}:8: param_scheduler.0.powr: PolyLR has no argument 'powr'; did you mean 'power'?" in text


def test_config_text_reads_back(tmp_path: Path) -> None:
    """Oracle: the config itself."""
    path = tmp_path / "cfg.py"
    path.write_text(TEXT)
    cfg = Config.fromfile(path)
    copy = tmp_path / "copy.py"
    copy.write_text(config_text(cfg))
    assert Config.fromfile(copy) == cfg


def test_lightning_is_imported_late() -> None:
    code = "import segue, segue.api, segue.cli, segue.training, sys; assert 'lightning' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
