"""Every segmentor of mmseg: parts, images, what each mode gives; what is refused."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tests.compat.reference.facts import look, named, pattern, seed_all, tried
from tests.compat.reference.heads import samples
from tests.compat.reference.modules import filled, layers

BN = {"type": "BN"}
BACKBONE = {"type": "ResNetV1c", "depth": 18, "base_channels": 8, "stem_channels": 8, "strides": (1, 2, 1, 1),
            "dilations": (1, 1, 2, 4), "norm_cfg": BN}  # fmt: skip
HEAD = {"type": "FCNHead", "in_channels": 64, "in_index": 3, "channels": 4, "num_convs": 1, "concat_input": False,
        "dropout_ratio": 0.0, "num_classes": 3, "norm_cfg": BN}  # fmt: skip
SECOND = {**HEAD, "in_channels": 32, "in_index": 2, "loss_decode": {"type": "CrossEntropyLoss", "loss_weight": 0.4}}
OCR = {**HEAD, "type": "OCRHead", "ocr_channels": 4}
for _unfit in ("num_convs", "concat_input"):
    del OCR[_unfit]
WHOLE = {"mode": "whole"}
SLIDE = {"mode": "slide", "crop_size": (20, 16), "stride": (12, 10)}
USUAL = {"backbone": BACKBONE, "decode_head": HEAD, "train_cfg": None, "test_cfg": WHOLE}
ONE = {**HEAD, "num_classes": 2, "out_channels": 1, "threshold": 0.4, "loss_decode": {"type": "CrossEntropyLoss",
       "use_sigmoid": True}}  # fmt: skip
DEPTH = {"type": "VPDDepthHead", "in_channels": [16, 32, 64, 128], "embed_dim": 8, "feature_dim": 64,
         "num_deconv_layers": 1, "num_deconv_filters": (4,), "max_depth": 3.0}  # fmt: skip
#: whose maps are each half the one before, as the depth head needs
HALVING = {**BACKBONE, "base_channels": 16, "stem_channels": 16, "strides": (1, 2, 2, 2), "dilations": (1, 1, 1, 1)}
NECK = {"type": "FPN", "in_channels": [8, 16, 32, 64], "out_channels": 8, "num_outs": 4}
PREPROCESSOR = {"type": "SegDataPreProcessor", "mean": [0.1, 0.2, 0.3], "std": [1.0, 2.0, 3.0], "size": (24, 24),
                "pad_val": 0, "seg_pad_val": 255}  # fmt: skip
#: class -> why it has no cases
LEFT = {
    "MultimodalEncoderDecoder": "its class takes no mode here; the whole model is compared in the goldens",
}
#: class -> arguments beside USUAL
CASES: dict[str, list[dict[str, Any]]] = {
    "EncoderDecoder": [{}, {"auxiliary_head": [SECOND, {**SECOND, "in_channels": 16,
                       "in_index": 1}]}, {"test_cfg": SLIDE}, {"decode_head": ONE}, {"neck": NECK,
                       "decode_head": {**HEAD, "in_channels": 8}},
                       {"data_preprocessor": PREPROCESSOR}, {"decode_head": {**HEAD, "align_corners": True,
                       "loss_decode": [{"type": "CrossEntropyLoss"}, {"type": "DiceLoss", "loss_name": "loss_d"}]}}],
    "CascadeEncoderDecoder": [{"num_stages": 2, "decode_head": [SECOND, OCR]}, {"num_stages": 2, "decode_head":
                              [SECOND, OCR], "auxiliary_head": SECOND, "test_cfg": SLIDE}],
    "DepthEstimator": [{"decode_head": DEPTH}, {"decode_head": DEPTH, "test_cfg": {"mode": "slide_flip", "crop_size":
                       (32, 32), "stride": (32, 16)}}],
    "SegTTAModel": [{"module": {"type": "EncoderDecoder", **USUAL}}, {"module": {"type": "EncoderDecoder", **USUAL,
                    "decode_head": ONE}}],
}  # fmt: skip

BAD: dict[str, list[dict[str, Any]]] = {
    "EncoderDecoder": [{"backbone": {**BACKBONE, "pretrained": "a.pth"}, "pretrained": "b.pth"}, {"backbone": {"type":
                       "Nope"}}, {"decode_head": None}, {"nope": 1}],
    "CascadeEncoderDecoder": [{"num_stages": 3, "decode_head": [SECOND, OCR]}, {"num_stages": 2, "decode_head": HEAD},
                              {"decode_head": [SECOND, OCR]}],
    "SegTTAModel": [{}, {"module": {"type": "Nope"}}],
}  # fmt: skip
DESIGNED: dict[str, str] = {
    "*.preprocessor": "one around the other",
    "EncoderDecoder/3.predict *.labels*": "labels are integers with one logit, too",
    "EncoderDecoder/6.loss.decode.loss_d": "ignored pixels are left out",
    "EncoderDecoder/6.total*": "likewise",
    "SegTTAModel/*.layers.names": "the weights of the module by its own names",
}


def observe(name: str, module: str) -> dict[str, Any]:
    """What a segmentor shows by each of its cases."""
    made_by = named(module, name)
    found: dict[str, Any] = {}
    for begins, cases in (("", CASES[name]), ("bad ", BAD.get(name, []))):
        for number, more in enumerate(cases):
            seen = tta if name == "SegTTAModel" else modes
            found[f"{begins}{number}"] = tried(lambda: seen(made_by, more))  # noqa: B023
    return found


def modes(made_by: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """Losses, predicted samples and logits of two images (24, 24); a step of each kind."""
    seed_all(0)
    config: Any = importlib.import_module("mmengine.config")
    depths = made_by.__name__ == "DepthEstimator"
    size = (32, 64) if depths else (24, 24)
    model = filled(made_by(**config.ConfigDict({**USUAL, **({"backbone": HALVING} if depths else {}), **more})))
    found: dict[str, Any] = {"layers": layers(model)}
    for key in ("with_neck", "with_auxiliary_head", "with_decode_head", "num_classes", "out_channels", "align_corners"):
        found[key] = getattr(model, key)
    found["test_cfg"] = look(dict(model.test_cfg))
    found["preprocessor"] = type(model.data_preprocessor).__name__
    images = pattern(2, 3, *size)
    classes = model.num_classes
    found["extract_feat"] = look(model.eval().extract_feat(images)[-1])
    for key, data in (("alone", None), ("annotated", samples(classes, True, depths)), ("resized", resized(classes))):
        with torch.no_grad():
            found[f"predict {key}"] = [predicted(each) for each in model(images, data, mode="predict")]
    with torch.no_grad():
        found["tensor"] = look(model(images, None, mode="tensor"))
        found["encode_decode"] = look(model.encode_decode(images, [dict(each.metainfo) for each in samples(3, True)]))
    found["mode"] = tried(lambda: model(images, None, mode="nope"))
    found["loss"] = {key: look(value.squeeze()) for key, value in
                     model.train()(images, samples(classes, True, depths), mode="loss").items()}  # fmt: skip
    total, logged = model.parse_losses(model(images, samples(classes, True, depths), mode="loss"))
    found["total"] = [look(total), sorted(logged)]
    if "data_preprocessor" in more:
        batch = {"inputs": list(100 * images.abs()), "data_samples": samples(classes, True, depths)}
        found["val_step"] = [predicted(each) for each in model.eval().val_step(batch)]
        found["test_step"] = len(model.test_step(batch))
    return found


def resized(classes: int, depths: bool = False) -> list[Any]:
    """Samples of images that were (12, 10), resized, flipped and padded to (24, 24)."""
    found = samples(classes, True, depths)
    for each in found:
        each.set_metainfo({"ori_shape": (12, 10), "img_shape": (24, 20), "pad_shape": (24, 24), "flip": True,
                           "flip_direction": "horizontal", "padding_size": (0, 4, 0, 0)})  # fmt: skip
    return found


def predicted(sample: Any) -> dict[str, Any]:
    """What a sample holds after prediction."""
    if "pred_depth_map" in sample:
        return {"keys": sorted(sample.keys()), "depths": look(sample.pred_depth_map.data)}
    labels: Tensor = sample.pred_sem_seg.data
    return {"keys": sorted(sample.keys()), "labels": [list(labels.shape), str(labels.dtype), int(labels.sum())],
            "logits": look(sample.seg_logits.data)}  # fmt: skip


def tta(made_by: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """One image seen as it is and flipped."""
    config: Any = importlib.import_module("mmengine.config")
    model = made_by(**config.ConfigDict(arguments))
    filled(model.module).eval()
    found: dict[str, Any] = {"layers": layers(model)}
    views = []
    for flip in (False, True):
        sample = samples(3, True)[0]
        sample.set_metainfo({"pad_shape": (24, 24), "img_path": "a.png", "flip": flip,
                             "flip_direction": "horizontal" if flip else None})  # fmt: skip
        views.append(sample)
    image = pattern(1, 3, 24, 24)[0]
    data = {"inputs": [image[None], image.flip(2)[None]], "data_samples": [[views[0]], [views[1]]]}
    with torch.no_grad():
        merged = model.test_step(data)
    found["merged"] = [
        {"keys": sorted(each.keys()), "labels": int(each.pred_sem_seg.data.sum()),
         "shape": list(each.pred_sem_seg.data.shape)} for each in merged
    ]  # fmt: skip
    structures: Any = importlib.import_module("mmengine.structures")
    for number, each in enumerate(views):
        each.seg_logits = structures.PixelData(data=pattern(model.module.out_channels, 24, 24, seed=number))
    again = model.merge_preds([views])
    found["of logits"] = [look(each.pred_sem_seg.data.sum()) for each in again]
    return found
