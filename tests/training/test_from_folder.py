"""``segue train FOLDER``: the config is written and said, and one step is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

import segue
from segue.errors import ConfigError, DataError, InputError
from segue.training.from_folder import config_name, keep, seconds_of
from segue.training.timed import StepTime
from tests.recipes.folder.test_planning import folder


def test_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    root = folder(tmp_path / "mine", top=255)
    short = ["train_cfg.max_iters=2", "train_cfg.val_interval=2", "train_dataloader.num_workers=0"]
    short += [
        "train_dataloader.persistent_workers=False",
        "val_dataloader.num_workers=0",
        "train_dataloader.batch_size=2",
    ]
    short += ["val_dataloader.persistent_workers=False"]
    result = segue.train(root, model="fast_scnn", seed=0, cfg_options=short)
    assert result.iterations == 2
    assert result.work_dir == Path("work_dirs/mine_fast_scnn")
    said = " ".join(capsys.readouterr().out.split())
    assert "fast_scnn: the recipe fast_scnn_8xb4-160k_cityscapes-512x1024" in said
    assert "Config: work_dirs/mine_fast_scnn/mine_fast_scnn.py" in said
    assert (result.work_dir / "mine_fast_scnn_val.txt").read_text(encoding="utf-8").count("\n") == 1


def test_options_of_folders_only(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text("a = 1\n", encoding="utf-8")
    with pytest.raises(InputError, match="--model: only for a folder of images and masks"):
        segue.train(tmp_path / "c.py", model="unet")
    with pytest.raises(InputError, match="--model: names the model of the config that --apply writes; add --apply"):
        segue.check(tmp_path, model="unet")


def test_no_such_model_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no model 'nothing'"):
        segue.train(tmp_path, model="nothing")


def test_a_folder_that_is_not_recognized(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder of images .* was recognized .* --apply --model fast_scnn takes"):
        segue.train(tmp_path, model="fast_scnn")


def test_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    segue.check(folder(tmp_path / "mine"), apply=True, model="fast_scnn")
    assert (tmp_path / "mine_fast_scnn.py").is_file()
    with pytest.raises(InputError, match="exists already"):
        segue.check(tmp_path / "mine", apply=True, model="fast_scnn")


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("1h30m", 5400), ("90s", 90), ("1.5 h", 5400), ("5min", 300)]
)
def test_times(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["30", "", "0m", "-5m", "soon"])
def test_no_times(text: str) -> None:
    with pytest.raises(InputError, match="a time with units is expected"):
        seconds_of(text)


def test_steps_that_fit() -> None:
    """100 s, of which 10 are around and 2 x 10 go to validation: 70 steps of 1 s."""
    length = StepTime(0.8, 0.4, 1.0, 2, True).length(100.0, 10)
    assert (length.steps, length.validations) == (70, 2)
    assert "measured on 2 after 1 of warm-up" in length.why
    assert StepTime(0.8, 0.4, 1.0, 2, False).step == 0.8, "a GPU computes while images are read"
    with pytest.raises(InputError, match="35 s is the least, for 20"):
        StepTime(1.0, 0.0, 5.0, 1, True).length(20.0, 1)


def test_another_config_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    assert keep(path, "x") is None
    path.write_text("mine", encoding="utf-8")
    assert keep(path, "mine") is None
    assert keep(path, "x") == tmp_path / "a_1.py"
    assert (tmp_path / "a_1.py").read_text(encoding="utf-8") == "mine"


def test_names() -> None:
    assert config_name("/data/my set: 2.0/", "unet") == "my_set_2-0_unet"
