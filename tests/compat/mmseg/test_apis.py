"""mmseg.apis and the visualizer, as scripts call them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import segue.compat  # noqa: F401  # the line that is added
from segue import load

Trained = tuple[Path, Path]


def labels_of(trained: Trained, image: Path) -> np.ndarray:
    """What Segue's own predictor says: the oracle."""
    config, weights = trained
    return load(config, weights).predict(str(image)).labels


def test_init_and_inference_model(trained: Trained, user_data: Path) -> None:
    from mmseg.apis import inference_model, init_model
    from mmseg.structures import SegDataSample

    model = init_model(str(trained[0]), str(trained[1]), device="cpu")
    assert model.dataset_meta["classes"] == ("sky", "road", "tree") and not model.training
    assert model.dataset_meta["palette"][0] == [0, 0, 200]
    paths = [user_data / "img" / f"s{i}.png" for i in (4, 5)]
    result = inference_model(model, str(paths[0]))
    assert isinstance(result, SegDataSample)
    assert result.pred_sem_seg.data.shape == (1, 64, 64) and result.seg_logits.data.shape == (3, 64, 64)
    assert result.pred_sem_seg.data.dtype == torch.int64
    assert result.img_path == str(paths[0]) and result.ori_shape == (64, 64)
    assert np.array_equal(result.pred_sem_seg.data[0].numpy(), labels_of(trained, paths[0]))
    several = inference_model(model, [str(paths[0]), cv2.imread(str(paths[1]))])
    assert [r.pred_sem_seg.shape for r in several] == [(64, 64)] * 2
    # Two images are added up in another order than one, so that a pixel between two classes may fall on either side.
    assert int((several[0].pred_sem_seg.data != result.pred_sem_seg.data).sum()) <= 2


def test_init_model_without_weights_and_with_options(trained: Trained) -> None:
    from mmseg.apis import init_model

    model = init_model(str(trained[0]), device="cpu", cfg_options={"model.decode_head.channels": 4})
    assert model.decode_head.channels == 4 and not hasattr(model, "dataset_meta")
    with pytest.raises(TypeError, match="config must be a filename or Config object, but got <class 'int'>"):
        init_model(3)


def test_show_result_pyplot(trained: Trained, user_data: Path, tmp_path: Path) -> None:
    from mmengine.structures import PixelData
    from mmseg.apis import inference_model, init_model, show_result_pyplot

    model = init_model(str(trained[0]), str(trained[1]), device="cpu")
    image = str(user_data / "img" / "s4.png")
    result = inference_model(model, image)
    out = tmp_path / "deep" / "seen.png"
    picture = show_result_pyplot(
        model, image, result, opacity=1.0, title="s4", draw_gt=False, with_labels=False, show=False, out_file=str(out)
    )
    palette = np.array(model.dataset_meta["palette"], np.uint8)
    assert np.array_equal(picture, palette[result.pred_sem_seg.data[0].numpy()])
    assert np.array_equal(cv2.imread(str(out))[..., ::-1], picture)
    result.gt_sem_seg = PixelData(data=torch.zeros(1, 64, 64, dtype=torch.int64))
    both = show_result_pyplot(model, image, result, opacity=0.5, draw_gt=True, show=False, with_labels=True)
    assert both.shape == (64, 128, 3)
    named = show_result_pyplot(model, image, result, draw_gt=False, show=False, with_labels=True)
    plain = show_result_pyplot(model, image, result, draw_gt=False, show=False, with_labels=False)
    assert not np.array_equal(named, plain)


def test_the_inferencer(trained: Trained, user_data: Path, tmp_path: Path) -> None:
    from mmseg.apis import MMSegInferencer
    from mmseg.structures import SegDataSample

    predict = MMSegInferencer(model=str(trained[0]), weights=str(trained[1]), device="cpu")
    files = sorted(str(p) for p in (user_data / "img").iterdir())
    one = predict(files[0], show=False)
    assert np.array_equal(one["predictions"], labels_of(trained, Path(files[0]))) and one["visualization"] == []
    array = predict(cv2.imread(files[0]), return_vis=True)
    assert np.array_equal(array["predictions"], one["predictions"]) and array["visualization"].shape == (64, 64, 3)
    several = predict([files[0], cv2.imread(files[1])], batch_size=2, out_dir=str(tmp_path / "a"))
    assert len(several["predictions"]) == 2
    assert sorted(p.name for p in (tmp_path / "a" / "vis").iterdir()) == ["00000002_vis.jpg", "s0.png"]
    written = cv2.imread(str(tmp_path / "a" / "pred" / "00000000_pred.png"), cv2.IMREAD_UNCHANGED)
    assert int((written != one["predictions"]).sum()) <= 2  # as part of a batch of two
    folder = predict(
        str(user_data / "img"),
        return_datasamples=True,
        out_dir=str(tmp_path / "b"),
        img_out_dir="seen",
        pred_out_dir="",
    )
    assert len(folder) == 6 and isinstance(folder[0], SegDataSample)
    assert len(list((tmp_path / "b" / "seen").iterdir())) == 6 and not (tmp_path / "b" / "pred").exists()
    with pytest.raises(ValueError, match="unknown argument 'opacty' for `__call__`; there are img_out_dir"):
        predict(files[0], opacty=0.3)
    with pytest.raises(ValueError, match="batch_size=0; it must be at least 1"):
        predict(files[0], batch_size=0)


def test_the_inferencer_in_batches(trained: Trained, user_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of two sizes go through in the batches that their sizes allow, and come back in order."""
    from mmseg.apis import MMSegInferencer

    predict = MMSegInferencer(model=str(trained[0]), weights=str(trained[1]), device="cpu")
    images = [cv2.imread(str(path)) for path in sorted((user_data / "img").iterdir())]
    images[1] = images[1][:32].copy()
    alone = predict(images)["predictions"]
    sizes, step = [], predict.model.test_step

    def watched(batch: Any) -> Any:
        sizes.append(len(batch["inputs"]))
        return step(batch)

    monkeypatch.setattr(predict.model, "test_step", watched)
    together = predict(images, batch_size=4)["predictions"]
    assert sorted(sizes) == [1, 1, 4]
    for one, other in zip(alone, together, strict=True):
        assert one.shape == other.shape and (one == other).mean() > 0.999
    with pytest.raises(Exception, match=r"gone\.png"):
        predict(["gone.png", images[0]])


def test_names_and_colors_of_the_inferencer(trained: Trained, user_data: Path) -> None:
    from mmseg.apis import MMSegInferencer

    def meta(**given: object) -> dict:
        return MMSegInferencer(str(trained[0]), str(trained[1]), device="cpu", **given).visualizer.dataset_meta

    assert meta()["classes"] == ("sky", "road", "tree")
    assert meta(classes=["a", "b", "c"])["classes"] == ("a", "b", "c")
    assert meta(palette=[[1, 2, 3]] * 3)["palette"] == [[1, 2, 3]] * 3
    road = meta(dataset_name="cityscapes")
    assert road["classes"][0] == "road" and road["palette"][0] == [128, 64, 128]


def test_the_visualizer(tmp_path: Path) -> None:
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample
    from mmseg.visualization import SegLocalVisualizer

    image = np.full((10, 12, 3), 100, np.uint8)
    labels = torch.zeros(1, 10, 12, dtype=torch.int64)
    labels[:, :, 6:] = 1
    labels[:, 0, 0] = 255
    sample = SegDataSample(gt_sem_seg=PixelData(data=labels))
    visualizer = SegLocalVisualizer(vis_backends=[dict(type="LocalVisBackend")], save_dir=str(tmp_path), alpha=0.5)
    with pytest.raises(AssertionError, match="class information is not provided: set dataset_meta"):
        visualizer.add_datasample("x", image, sample)
    visualizer.dataset_meta = dict(classes=("a", "b"), palette=[[0, 0, 0], [200, 0, 40]])
    visualizer.add_datasample("x", image, sample, step=3, with_labels=False)
    drawn = visualizer.get_image()
    assert drawn[5, 8].tolist() == [150, 50, 70] and drawn[5, 2].tolist() == [50, 50, 50]
    assert drawn[0, 0].tolist() == [50, 50, 50]  # an ignored pixel has no color
    assert (tmp_path / "vis_data" / "vis_image" / "x_3.png").exists()
