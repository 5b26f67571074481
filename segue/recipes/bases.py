"""mmseg's own configs, for files that name them as a base and are opened where mmseg is not: answered by recipes.

``_base_/models/pspnet_r50-d8.py``, ``_base_/datasets/cityscapes.py``, ``_base_/schedules/schedule_40k.py`` and
``_base_/default_runtime.py`` are parts of a recipe; ``pspnet/pspnet_r50-d8_4xb2-40k_cityscapes-512x1024.py`` is a whole
one. The parts have the values of the reference's files.
"""

from __future__ import annotations

import copy
import re
from pathlib import PurePosixPath
from typing import Any

from segue.config.nodes import HEADS
from segue.errors import ConfigError
from segue.recipes.compose import compose, heads, is_recipe_name, looks_like_name
from segue.recipes.encoders import ABSENT

Section = dict[str, Any]
DATA_SECTIONS = (
    "dataset_type data_root crop_size train_pipeline test_pipeline tta_pipeline train_dataloader val_dataloader "
    "test_dataloader val_evaluator test_evaluator"
)
SCHEDULE_SECTIONS = "optim_wrapper param_scheduler train_cfg val_cfg test_cfg default_hooks"
RUNTIME_SECTIONS = "default_scope env_cfg vis_backends visualizer log_processor log_level load_from resume tta_model"
CITY, ADE = "4xb2-40k_cityscapes-512x1024", "4xb4-80k_ade20k-512x512"
#: Models whose file is named as their recipes begin.
PLAIN = (
    "ann_r50-d8 apcnet_r50-d8 bisenetv1_r18-d32 ccnet_r50-d8 danet_r50-d8 deeplabv3_r50-d8 deeplabv3plus_r50-d8 "
    "dmnet_r50-d8 dnl_r50-d8 emanet_r50-d8 encnet_r50-d8 erfnet_fcn fast_scnn fastfcn_r50-d32_jpu_psp fcn_hr18 "
    "fcn_r50-d8 fpn_poolformer_s12 fpn_r50 gcnet_r50-d8 icnet_r50-d8 isanet_r50-d8 nonlocal_r50-d8 ocrnet_hr18 "
    "ocrnet_r50-d8 pointrend_r50 psanet_r50-d8 pspnet_r50-d8 segformer_mit-b0 upernet_r50"
)
#: The recipe of the others.
MODELS: dict[str, str] = {
    **{stem: f"{stem}_{CITY}" for stem in PLAIN.split()},
    "bisenetv2": f"bisenetv2_fcn_{CITY}",
    "cgnet": f"cgnet_fcn_{CITY}",
    "dpt_vit-b16": f"dpt_vit-b16_{ADE}",
    "lraspp_m-v3-d8": f"mobilenet-v3-d8-scratch_lraspp_{CITY}",
    "san_vit-b16": "san-vit-b16_coco-stuff164k-640x640",
    "segmenter_vit-b16_mask": f"segmenter_vit-b_mask_{ADE}",
    "setr_mla": "setr_vit-l_mla_8xb1-80k_cityscapes-768x768",
    "setr_naive": "setr_vit-l_naive_8xb1-80k_cityscapes-768x768",
    "setr_pup": "setr_vit-l_pup_8xb1-80k_cityscapes-768x768",
    "stdc": "stdc1_4xb12-80k_cityscapes-512x1024",
    "twins_pcpvt-s_fpn": "twins_pcpvt-s_fpn_fpnhead_8xb4-80k_ade20k-512x512",
    "twins_pcpvt-s_upernet": "twins_pcpvt-s_uperhead_8xb4-160k_ade20k-512x512",
    "upernet_beit": "beit-base_upernet_8xb2-160k_ade20k-640x640",
    "upernet_convnext": "convnext-base_upernet_8xb2-amp-160k_ade20k-512x512",
    "upernet_mae": "mae-base_upernet_8xb2-amp-160k_ade20k-512x512",
    "upernet_swin": "swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512",
    "upernet_vit-b16_ln_mln": "vit_vit-b16_mln_upernet_8xb2-160k_ade20k-512x512",
    **{f"{head}_unet_s5-d16": f"unet-s5-d16_{head}_4xb4-40k_drive-64x64" for head in ("fcn", "pspnet", "deeplabv3")},
}
_UNET: Section = {
    "decode_head.num_classes": 2,
    "auxiliary_head.num_classes": 2,
    "test_cfg": dict(mode="slide", crop_size=256, stride=170),
}
_SETR: Section = {
    "backbone.drop_rate": 0.1,
    "backbone.init_cfg": ABSENT,
    "pretrained": "pretrain/jx_vit_large_p16_384-b3be5167.pth",
}
_TWINS: Section = {"decode_head.num_classes": 150}
#: What these files have and their recipe has not. All others differ in the preprocessor's size, windows and classes.
CHANGES: dict[str, Section] = {
    "cgnet": {"decode_head.align_corners": ABSENT},
    "deeplabv3_unet_s5-d16": _UNET,
    "dpt_vit-b16": {"decode_head.align_corners": ABSENT, "decode_head.num_classes": 150},
    "fcn_unet_s5-d16": _UNET,
    "fpn_poolformer_s12": {"neck.in_channels": [256, 512, 1024, 2048]},
    "pointrend_r50": {
        "test_cfg": dict(mode="whole", subdivision_steps=2, subdivision_num_points=8196, scale_factor=2),
    },
    "pspnet_unet_s5-d16": _UNET,
    "san_vit-b16": {
        "decode_head.num_classes": 171,
        "pretrained": "pretrain/clip_vit_base_patch16_224.pth",
        "text_encoder.dataset_name": None,
    },
    "segformer_mit-b0": {"backbone.init_cfg": ABSENT},
    "segmenter_vit-b16_mask": {
        "decode_head.align_corners": ABSENT,
        "decode_head.num_classes": 150,
        "test_cfg": dict(mode="slide", crop_size=(512, 512), stride=(480, 480)),
    },
    "setr_mla": _SETR,
    "setr_naive": _SETR,
    "setr_pup": {**_SETR, **{f"auxiliary_head.{index}.num_convs": 1 for index in range(3)}},
    "stdc": {
        "decode_head.align_corners": True,
        "auxiliary_head.2.align_corners": True,
        "auxiliary_head.2.num_classes": 2,
    },
    "twins_pcpvt-s_fpn": _TWINS,
    "twins_pcpvt-s_upernet": {**_TWINS, "auxiliary_head.num_classes": 150},
    "upernet_beit": {**_TWINS, "auxiliary_head.num_classes": 150, "pretrained": None},
    "upernet_convnext": {"auxiliary_head.in_channels": 384},
    "upernet_mae": {
        "auxiliary_head.in_channels": 384,
        "backbone.img_size": (640, 640),
        "backbone.init_values": 0.1,
        "decode_head.channels": 512,
        "decode_head.in_channels": [384, 384, 384, 384],
        "pretrained": None,
    },
    "upernet_swin": {"backbone.init_cfg": ABSENT},
    "upernet_vit-b16_ln_mln": {"pretrained": "pretrain/jx_vit_base_p16_224-80ecf9dd.pth"},
}
#: Datasets that recipes write otherwise than their file is named, and how many images a GPU takes where recipes differ.
DATASETS = {
    "chase_db1": "4xb4-40k_chase-db1-128x128",
    "cityscapes_1024x1024": "4xb2-40k_cityscapes-1024x1024",
    "levir_256x256": "4xb4-40k_levir-256x256",
    "nyu": "4xb8-25k_nyu-480x480",
    "nyu_512x512": "4xb8-25k_nyu-512x512",
    "pascal_voc12": "4xb4-40k_voc12-512x512",
    "pascal_voc12_aug": "4xb4-40k_voc12aug-512x512",
}
TWO_IMAGES = ("bdd100k", "cityscapes", "mapillary")
BATCHES = {
    "bdd100k": dict(batch_size=2, num_workers=2),
    "cityscapes_1024x1024": dict(batch_size=2, num_workers=2),
    "cityscapes_768x768": dict(batch_size=2, num_workers=2),
    "nyu": dict(batch_size=8),
    "nyu_512x512": dict(batch_size=8),
    "synapse": dict(batch_size=6, num_workers=2),
}
NO_CROP = ("levir_256x256", "nyu", "nyu_512x512", "synapse")
SCALED = {
    "chase_db1": (960, 999),
    "drive": (584, 565),
    "hrf": (2336, 3504),
    "pascal_context": (520, 520),
    "pascal_context_59": (520, 520),
    "stare": (605, 700),
    "synapse": (224, 224),
}
RATIOS = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]


def answer(base: str) -> tuple[Section, str] | None:
    """The sections of one of mmseg's configs, and the recipe that they are of; None where it is none of them.

    ``base`` is what a config says: a path of which the end counts, ``mmseg::`` and such a path, or a recipe's name.
    """
    path = PurePosixPath(base.rpartition("::")[2].replace("\\", "/"))
    if "_base_" in path.parts and path.suffix == ".py":
        folder, stem = path.parent.name, path.stem
        maker = {"models": _model, "datasets": _data, "schedules": _schedule, "_base_": _runtime}.get(folder)
        found = maker(stem) if maker is not None else None
        return None if found is None else (copy.deepcopy(found[0]), found[1])
    name = path.stem if path.suffix == ".py" else str(path)
    if path.suffix == ".py" and not is_recipe_name(name):
        return None
    return (compose(name).to_dict(), name) if looks_like_name(name) else None


def _model(stem: str) -> tuple[Section, str] | None:
    if stem not in MODELS:
        return None
    name = MODELS[stem]
    net: Section = compose(name).to_dict()["model"]
    net["data_preprocessor"].pop("size", None)
    net["test_cfg"] = dict(mode="whole")
    for role in HEADS:
        for head in heads(net.get(role)):
            head.update(num_classes=19, align_corners=False)
    for key, value in CHANGES.get(stem, {}).items():
        _set(net, key.split("."), value)
    found: Section = dict(data_preprocessor=net["data_preprocessor"], model=net)
    norms = [head["norm_cfg"] for role in HEADS for head in heads(net.get(role)) if "norm_cfg" in head]
    own = net.get("backbone", {}).get("norm_cfg")  # SAN's is an image_encoder
    if norms:
        found["norm_cfg"] = norms[0]
    if own and own not in norms:
        found["backbone_norm_cfg"] = own
    return found, name


def _set(node: Any, keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        node = node[int(key)] if isinstance(node, list) else node[key]
    if value is ABSENT:
        node.pop(keys[-1])
    else:
        node[keys[-1]] = copy.deepcopy(value)


def _data(stem: str) -> tuple[Section, str] | None:
    images = 2 if stem.startswith(TWO_IMAGES) else 4
    written = DATASETS.get(stem, f"4xb{images}-40k_" + re.sub(r"_(?=[0-9]+x)", "-", stem))
    name = f"vpd_sd_{written}" if stem.startswith("nyu") else f"fcn_r50-d8_{written}"
    try:
        whole = compose(name).to_dict()
    except ConfigError:
        return None
    found = {key: whole[key] for key in DATA_SECTIONS.split() if key in whole}
    if stem in NO_CROP:
        del found["crop_size"]
    found["train_dataloader"].update(BATCHES.get(stem, dict(batch_size=images)))
    if "tta_pipeline" in found and stem not in NO_CROP:
        found["img_ratios"] = RATIOS
    if stem in SCALED:
        found["img_scale"] = SCALED[stem]
    parts = found["train_dataloader"]["dataset"].get("datasets", [])
    if stem == "pascal_voc12":  # pads nothing, unlike the augmented one
        for steps in (found["train_pipeline"], found["train_dataloader"]["dataset"]["pipeline"]):
            steps[:] = [step for step in steps if step["type"] != "Pad"]
    if stem == "pascal_voc12_aug":
        found["dataset_train"], found["dataset_aug"] = parts
    return found, name


def _schedule(stem: str) -> tuple[Section, str] | None:
    length = re.fullmatch(r"schedule_(\d+k)", stem)
    if length is None or length[1] == "25k":  # that one is of VPD's recipe, and of AdamW
        return None
    name = f"fcn_r50-d8_4xb2-{length[1]}_cityscapes-512x1024"
    whole = compose(name).to_dict()
    return dict(
        {key: whole[key] for key in SCHEDULE_SECTIONS.split()}, optimizer=whole["optim_wrapper"]["optimizer"]
    ), name


def _runtime(stem: str) -> tuple[Section, str] | None:
    if stem != "default_runtime":
        return None
    name = f"fcn_r50-d8_{CITY}"
    whole = compose(name).to_dict()
    return {key: whole[key] for key in RUNTIME_SECTIONS.split() if key in whole}, name
