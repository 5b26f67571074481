"""Config, images, files, names, transforms and the distributed helpers, by hand-worked cases."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import segue.compat  # noqa: F401
from segue.errors import CheckpointError


def test_config(tmp_path: Path) -> None:
    from mmcv import Config as Old
    from mmengine.config import Config, ConfigDict, DictAction

    assert Old is Config
    cfg = Config(dict(model=dict(type="A", heads=[dict(x=1), dict(x=2)])))
    cfg.model.heads[0].x = 7
    cfg.merge_from_dict({"model.heads.1.x": 8})
    cfg.setdefault("seed", 3)
    assert [head.x for head in cfg.model.heads] == [7, 8] and cfg.seed == 3 and isinstance(cfg.model, ConfigDict)
    cfg.dump(tmp_path / "a.py")
    assert Config.fromfile(str(tmp_path / "a.py"))._cfg_dict == cfg._cfg_dict
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=DictAction)
    parsed = parser.parse_args(["--cfg-options", "a.b=1", "c=[1,2]", "d=x"]).cfg_options
    assert parsed == {"a.b": 1, "c": [1, 2], "d": "x"}


def test_images(tmp_path: Path) -> None:
    import mmcv

    image = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    mmcv.imwrite(image, str(tmp_path / "new" / "a.png"))
    assert np.array_equal(mmcv.imread(str(tmp_path / "new" / "a.png")), image)
    assert np.array_equal(mmcv.imread(str(tmp_path / "new" / "a.png"), channel_order="rgb"), image[..., ::-1])
    assert np.array_equal(mmcv.imresize(image, (4, 3)), cv2.resize(image, (4, 3)))
    assert mmcv.imresize(image, (4, 3), return_scale=True)[1:] == (0.5, 0.5)
    assert mmcv.imrescale(image, (12, 100)).shape == (12, 16, 3) and mmcv.imrescale(image, 0.5).shape == (3, 4, 3)
    assert np.array_equal(mmcv.imflip(image, "diagonal"), image[::-1, ::-1])
    assert mmcv.impad(image, shape=(8, 8), pad_val=7)[7, 0].tolist() == [
        7,
        0,
        0,
    ]  # one number is the first channel's, as in mmcv
    assert mmcv.impad_to_multiple(image, 5).shape == (10, 10, 3)
    assert mmcv.imcrop(image, np.array([1, 2, 3, 4])).shape == (3, 3, 3)
    normal = mmcv.imnormalize(image, [1, 2, 3], [2, 2, 2])
    assert normal[0, 0, 0] == pytest.approx((image[0, 0, 2] - 1) / 2)
    assert np.allclose(mmcv.imdenormalize(normal, [1, 2, 3], [2, 2, 2]), image)


def test_files(tmp_path: Path) -> None:
    import mmengine
    from mmengine.fileio import list_dir_or_file, list_from_file

    mmengine.mkdir_or_exist(tmp_path / "a" / "b")
    mmengine.dump({"x": [1]}, str(tmp_path / "a" / "x.json"))
    assert mmengine.load(str(tmp_path / "a" / "x.json")) == {"x": [1]}
    with pytest.raises(TypeError, match=r"reads \.json, \.yaml and \.pkl of plain data"):
        mmengine.load("x.xml")
    (tmp_path / "names.txt").write_text("one\ntwo\nthree\n")
    assert list_from_file(tmp_path / "names.txt", prefix="p/", offset=1, max_num=1) == ["p/two"]
    assert list(list_dir_or_file(tmp_path, recursive=True)) == ["a", "a/b", "a/x.json", "names.txt"]
    assert list(list_dir_or_file(tmp_path, list_dir=False, suffix=".json", recursive=True)) == ["a/x.json"]


def test_pickled_results(tmp_path: Path) -> None:
    """They are written, and read where they are data."""
    import mmengine

    results = [np.arange(4, dtype=np.int64).reshape(2, 2), (np.float64(0.5), "a")]
    mmengine.dump(results, str(tmp_path / "r.pkl"))
    first, second = mmengine.load(str(tmp_path / "r.pkl"))
    assert (first == results[0]).all() and first.dtype == np.int64 and second == results[1]
    assert mmengine.dump([1], file_format="pkl") == pickle.dumps([1], protocol=4)
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps([print], protocol=4))
    with pytest.raises(CheckpointError, match=r"bad\.pkl.*print"):
        mmengine.load(str(tmp_path / "bad.pkl"))


def test_names_and_colors() -> None:
    from mmseg.core.evaluation import get_palette
    from mmseg.utils import ade_palette, cityscapes_classes, get_classes

    assert cityscapes_classes() == get_classes("cityscapes") and len(cityscapes_classes()) == 19
    assert len(ade_palette()) == 150 and get_palette("cityscapes")[0] == [128, 64, 128]
    with pytest.raises(ValueError, match="Unrecognized dataset: cityscape; did you mean 'cityscapes'"):
        get_classes("cityscape")


def test_transforms() -> None:
    from mmcv.transforms import BaseTransform, Compose, to_tensor
    from mmcv.transforms.utils import cache_random_params, cache_randomness

    class Draw(BaseTransform):
        @cache_randomness
        def number(self):
            return np.random.rand()

        def transform(self, results):
            return {**results, "drawn": [*results.get("drawn", []), self.number()]}

    draw = Draw()
    with cache_random_params(draw):
        first, second = draw(draw({}))["drawn"]
    third, fourth = draw(draw({}))["drawn"]
    assert first == second and third != fourth
    assert Compose([draw, lambda results: None, draw])({}) is None
    assert to_tensor(3).dtype == torch.int64 and to_tensor([1.5, 2.0]).tolist() == [1.5, 2.0]
    with pytest.raises(TypeError, match="cannot be converted to tensor"):
        to_tensor("x")


def test_metrics() -> None:
    """Labels 0 0 1 1, predicted 0 1 1 1: IoU of 0 is 1/2, of 1 is 2/3."""
    from mmseg.evaluation import IoUMetric

    class Better(IoUMetric):
        def compute_metrics(self, results):
            return {k: v for k, v in super().compute_metrics(results).items() if k == "mIoU"}

    metric = Better(prefix="own")
    metric.set_dataset({"classes": ("a", "b")})
    metric.update(torch.tensor([[0, 1, 1, 1]]), torch.tensor([[0, 0, 1, 1]]), {"img_path": "x.png"})
    assert metric.compute() == {"own/mIoU": pytest.approx(58.33)}
    assert metric.results == []


def test_one_process() -> None:
    from mmengine.dist import get_dist_info, is_main_process, master_only

    assert get_dist_info() == (0, 1) and is_main_process() and master_only(lambda: 5)() == 5


def test_versions() -> None:
    from mmengine.utils import digit_version, is_seq_of, to_2tuple

    assert digit_version("1.13.1+cpu") == (1, 13, 1, 0, 0, 0) < digit_version("2.0.0")
    assert to_2tuple(3) == (3, 3) and to_2tuple((1, 2)) == (1, 2) and is_seq_of([1, 2], int)
