"""What subclasses override is called or refused: the walk over all classes, and cases that projects have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from segue.compat.overrides import OverrideError
from segue.images.read import write_png
from segue.reference.overrides import classes_of, methods_of
from segue.types import SegSample, Targets
from tests.compat import walk

SIZE = (16, 16)
NAMES = [(room, name) for room, excused in walk.EXCUSED.items() for name in classes_of(room) if name not in excused]


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_every_override_is_called_or_refused(room: str, name: str, tmp_path: Path) -> None:
    """A method that mmseg calls, overridden with a mark, is reached, with equal numbers; or the class is refused."""
    step = next(step for r, n, step in walk.cases(tmp_path) if (r, n) == (room, name))
    found = walk.outcomes(walk.user_class(room, name), step, room, name)
    assert set(found) == set(methods_of(room, name))
    assert {key: value for key, value in found.items() if value not in ("honoured", "refused")} == {}


def test_the_excused_are_of_the_reference() -> None:
    for room, excused in walk.EXCUSED.items():
        assert set(excused) <= set(classes_of(room)), room


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.RandomState(0)
    for i in range(2):
        write_png(tmp_path / "img" / f"{i}.png", random.randint(0, 255, (24, 32, 3), dtype=np.uint8))
        write_png(tmp_path / "ann" / f"{i}.png", random.randint(0, 2, (24, 32)).astype(np.uint8))
    return tmp_path


def dataset(root: Path, pipeline: list[Any], cls: Any = None, **more: Any) -> Any:
    from mmseg.datasets import BaseSegDataset

    return (cls or BaseSegDataset)(
        data_root=str(root),
        data_prefix={"img_path": "img", "seg_map_path": "ann"},
        img_suffix=".png",
        metainfo={"classes": ("a", "b")},
        pipeline=pipeline,
        **more,
    )


LOAD = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}]


def test_a_derived_crop_in_a_pipeline(folder: Path) -> None:
    """Steps that Segue would take in one go are taken one by one where one of them is the user's."""
    from mmseg.datasets.transforms import RandomCrop
    from mmseg.registry import TRANSFORMS

    @TRANSFORMS.register_module()
    class CropLeft(RandomCrop):
        def transform(self, results):
            results = super().transform(results)
            results["img"][:] = 200
            return results

    pipeline = [*LOAD, {"type": "CropLeft", "crop_size": (8, 8)}, {"type": "PackSegInputs"}]
    assert (dataset(folder, pipeline)[0]["inputs"] == 200).all()
    from segue.config.builder.build import build

    given = {
        "type": "BaseSegDataset",
        "data_root": str(folder),
        "img_suffix": ".png",
        "data_prefix": {"img_path": "img", "seg_map_path": "ann"},
        "metainfo": {"classes": ("a", "b")},
        "pipeline": pipeline,
    }
    built = build({"data": given}, "data", "datasets")
    assert (built[0]["inputs"] == 200).all()


def test_labels_of_the_users_own_format(folder: Path) -> None:
    from mmseg.datasets.transforms import LoadAnnotations

    class Halves(LoadAnnotations):
        def _load_seg_map(self, results):
            super()._load_seg_map(results)
            results["gt_seg_map"][:, :16] = 1

    steps = [LOAD[0], Halves(), {"type": "PackSegInputs"}]
    assert (dataset(folder, steps)[0]["data_samples"].gt_sem_seg.data[0, :, :16] == 1).all()


def test_a_packed_sample_is_mmsegs_and_keeps_what_is_added() -> None:
    """Other data of a SegDataSample passes Segue's loader, and is there again in a head's ``loss_by_feat``."""
    from mmseg.datasets.transforms import PackSegInputs
    from mmseg.models.decode_heads import FCNHead
    from mmseg.structures import SegDataSample

    from segue.datasets.collate import collate

    class PackMore(PackSegInputs):
        def transform(self, results):
            packed = super().transform(results)
            packed["data_samples"].set_data({"names": ["sky"]})
            return packed

    class Reading(FCNHead):
        def loss_by_feat(self, seg_logits, batch_data_samples):
            self.read = [sample.names for sample in batch_data_samples]
            return super().loss_by_feat(seg_logits, batch_data_samples)

    packed = PackMore()(walk.image())
    assert type(packed["data_samples"]) is SegDataSample
    assert packed["data_samples"].metainfo["img_path"] == "a.png"
    batch = collate([packed])
    sample = batch["data_samples"][0]
    assert type(sample) is SegSample and sample.gt_sem_seg.shape == (24, 32)
    head = Reading(**walk.USUAL, in_channels=8, num_convs=1)
    head.loss([torch.randn(1, *walk.ONE)], Targets(sample.gt_sem_seg[None], metas=[sample.meta]))
    assert head.read == [["sky"]]


def test_a_classifier_of_the_users_own() -> None:
    from mmseg.models.decode_heads import PSPHead

    class Cosine(PSPHead):
        def cls_seg(self, feat):
            return 0 * super().cls_seg(feat) + 3

    head = Cosine(**walk.USUAL, in_channels=8, pool_scales=(1, 2))
    features = walk._maps(walk.ONE)
    assert (head.predict(features, SIZE) == 3).all()
    loss = head.loss(features, Targets(torch.zeros(2, 16, 16).long()))["loss_ce"]
    assert loss.item() == pytest.approx(np.log(4))


def test_masks_of_features_with_queries() -> None:
    """The manner of Rein: ``forward`` takes ([maps], queries), and its masks are compared with the labels."""
    from mmseg.models.decode_heads import Mask2FormerHead

    class Queries(Mask2FormerHead):
        def forward(self, x, batch_data_samples):
            self.metas = [sample.metainfo for sample in batch_data_samples]
            maps, queries = x
            scores, masks = super().forward(maps, batch_data_samples)
            return [each + queries.sum() * 0 for each in scores], [each * 0 + 9 for each in masks]

    config, maps = walk.head_case("Mask2FormerHead")
    head = Queries(**{key: value for key, value in config.items() if key != "type"})
    features = (maps, torch.zeros(1, requires_grad=True))
    metas = [{"img_shape": SIZE, "pad_shape": SIZE, "name": i} for i in range(2)]
    losses = head.loss(features, Targets(torch.zeros(2, *SIZE).long(), metas=metas))
    assert [meta["name"] for meta in head.metas] == [0, 1]
    assert all(value.isfinite() for value in losses.values())
    scores = head.eval().predict(features, SIZE)
    assert torch.allclose(scores, scores[:, :, :1, :1].expand_as(scores))  # all masks are full


def test_san_forward() -> None:
    """Its forward gives masks and scores of the layers that are asked for."""
    from segue.compat.mmseg.special_heads import SideAdapterInterface
    from tests.heads.test_side_adapter_clip import features, head

    plain = head()
    made = head()
    made.load_state_dict(plain.state_dict())
    calls = []

    class Own(SideAdapterInterface, type(made)):
        def forward(self, inputs, deep_supervision_idxs):
            calls.append(list(deep_supervision_idxs))
            return super().forward(inputs, deep_supervision_idxs)

    made.__class__ = Own
    inputs = features()
    assert torch.allclose(made.eval().predict(inputs, (48, 64)), plain.eval().predict(inputs, (48, 64)))
    made.loss(inputs, Targets(torch.randint(0, 3, (1, 48, 64))))
    assert calls == [[], [2]]


def test_a_head_of_0x_trains_by_forward_train() -> None:
    from mmseg.models.decode_heads import FCNHead

    class Old(FCNHead):
        def forward_train(self, inputs, img_metas, gt_semantic_seg, train_cfg):
            assert gt_semantic_seg.shape == (2, 1, 16, 16) and len(img_metas) == 2
            return {"loss_old": super().forward_train(inputs, img_metas, gt_semantic_seg, train_cfg)["loss_ce"] * 2}

        def forward_test(self, inputs, img_metas, test_cfg):
            return self.forward(inputs) * 0

    head = Old(**walk.USUAL, in_channels=8, num_convs=1)
    features = walk._maps(walk.ONE)
    assert list(head.loss(features, Targets(torch.zeros(2, 16, 16).long()))) == ["loss_old"]
    assert (head.predict(features, SIZE) == 0).all()


def test_labels_stacked_by_the_user() -> None:
    from mmseg.models.decode_heads import FCNHead

    class Swapped(FCNHead):
        def _stack_batch_gt(self, batch_data_samples):
            return 1 - super()._stack_batch_gt(batch_data_samples)

    torch.manual_seed(0)
    head = Swapped(**walk.USUAL, in_channels=8, num_convs=1, loss_decode={"type": "CrossEntropyLoss"}).eval()
    features = walk._maps(walk.ONE)
    zeros, ones = torch.zeros(2, 16, 16).long(), torch.ones(2, 16, 16).long()
    swapped = head.loss(features, Targets(zeros))["loss_ce"]
    assert swapped == head.loss_of_logits(head(features), Targets(ones))["loss_ce"]


def test_datasets(folder: Path) -> None:
    from mmseg.datasets import BaseSegDataset

    class Mine(BaseSegDataset):
        METAINFO = {"classes": ("a", "b")}  # noqa: RUF012

        def prepare_data(self, idx):
            return {**super().prepare_data(idx), "index": idx}

        @classmethod
        def get_label_map(cls, new_classes=None):
            return {0: 1, 1: 0}

    made = dataset(folder, LOAD, Mine)
    usual = dataset(folder, LOAD)[1]["gt_seg_map"]
    assert made.metainfo["label_map"] == {0: 1, 1: 0}
    assert made[1]["index"] == 1 and (made[1]["gt_seg_map"] == 1 - usual).all()
    subset = made.get_subset([1])
    assert (len(subset), len(made)) == (1, 2)


def test_a_list_of_samples_in_a_file(tmp_path: Path) -> None:
    from mmengine.dataset import BaseDataset

    class Doubled(BaseDataset):
        METAINFO = {"classes": ("a", "b")}  # noqa: RUF012

        def parse_data_info(self, raw_data_info):
            return [super().parse_data_info(raw_data_info)] * 2

    (tmp_path / "a.json").write_text('{"data_list": [{"img_path": "0.png"}]}')
    made = Doubled(ann_file=str(tmp_path / "a.json"), data_prefix={"img_path": "img"}, test_mode=True)
    assert [made.get_data_info(i)["img_path"] for i in range(len(made))] == ["img/0.png"] * 2


def test_refusals_name_the_method_and_the_way_out() -> None:
    from mmseg.datasets.transforms import RandomMosaic
    from mmseg.models.backbones import ResNet
    from mmseg.models.decode_heads import FCNHead

    with pytest.raises(OverrideError, match=r"Mine overrides _mosaic_combine of RandomMosaic, .*override transform"):
        type("Mine", (RandomMosaic,), {"_mosaic_combine": lambda self: None})
    with pytest.raises(TypeError, match=r"overrides _make_stem_layer of ResNet, which Segue does not call: .*__init__"):
        type("Mine", (ResNet,), {"_make_stem_layer": lambda self: None})
    with pytest.raises(OverrideError, match="Mine defines embed, a name that Segue's FCNHead uses for something else"):
        type("Mine", (FCNHead,), {"embed": lambda self, x: x})

    class Mixin:
        def _init_inputs(self):
            """Not called."""

    with pytest.raises(OverrideError, match="Mixed overrides _init_inputs of FCNHead"):
        type("Mixed", (Mixin, FCNHead), {})


def test_what_the_user_calls_himself_is_no_override() -> None:
    from mmseg.datasets.transforms import RandomMosaic

    class Own(RandomMosaic):
        def transform(self, results):
            return self._mosaic_combine(results)

        def _mosaic_combine(self, results):
            return {"combined": True}

    assert Own.__new__(Own)({}) == {"combined": True}


def test_init_weights_is_everywhere() -> None:
    from mmseg.models.backbones import ResNet
    from mmseg.models.decode_heads import FCNHead
    from mmseg.models.necks import FPN
    from mmseg.registry import MODELS

    for made in (
        ResNet(depth=18),
        FPN(in_channels=[4, 8], out_channels=4, num_outs=2),
        FCNHead(8, channels=4, num_classes=3),
    ):
        made.init_weights()
        assert made.is_init and made.init_cfg is None

    class Mine(FCNHead):
        def init_weights(self):
            super().init_weights()
            nn.init.constant_(self.conv_seg.bias, 7.0)

    head = Mine(8, channels=4, num_classes=3, init_cfg={"type": "Constant", "val": 2.0, "layer": "Conv2d"})
    head.init_weights()
    assert (head.conv_seg.bias == 7).all() and (head.conv_seg.weight == 2).all()
    assert head.init_cfg["type"] == "Constant"
    assert MODELS.build({"type": "UPerHead", **walk.USUAL, **walk.HEADS["UPerHead"][0]}).init_weights() is None


def test_a_list_of_models_is_a_sequence() -> None:
    from mmengine.model import Sequential
    from mmseg.registry import MODELS

    @MODELS.register_module()
    class Merge(nn.Module):
        def forward(self, inputs):
            return [sum(x.mean() for x in inputs)]

    made = MODELS.build([{"type": "FPN", "in_channels": [4, 8], "out_channels": 4, "num_outs": 2}, {"type": "Merge"}])
    assert isinstance(made, Sequential) and made(walk._maps((4, 8, 8), (8, 4, 4)))[0].ndim == 0


def test_points_of_any_mode() -> None:
    """mmengine's ``_after_iter`` and mmcv's ``before_epoch(runner)``."""
    from mmengine.hooks import Hook

    seen = []

    class Mine(Hook):
        def _after_iter(self, runner, batch_idx, data_batch=None, outputs=None, mode="train"):
            seen.append((batch_idx, outputs, mode))

        def before_epoch(self, runner):
            seen.append(runner)

    hook = Mine()
    hook.after_val_iter("runner", 3, {}, ["outputs"])
    hook.before_train_epoch("runner")
    assert seen == [(3, ["outputs"], "val"), "runner"]
    assert "after_val_iter" in hook.get_triggered_stages() and "before_val_iter" not in hook.get_triggered_stages()
