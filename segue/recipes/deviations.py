"""Names of the reference whose file says something else than the name, or something that cannot work.

There the name counts. ``DEVIATIONS[name]`` is what the reference's file has instead, and the key paths where the
composed config differs from it.
"""

from __future__ import annotations

from typing import NamedTuple


class Deviation(NamedTuple):
    """What the reference's file has, and where our config differs (beginnings of key paths)."""

    reason: str
    keys: tuple[str, ...]


ITERS = ("param_scheduler.", "train_cfg.", "default_hooks.checkpoint.interval")
SIZE = ("model.data_preprocessor.size",)
CROPS = ("train_pipeline.", "test_pipeline.", "train_dataloader.dataset.", "val_dataloader.dataset.")
TESTS = ("test_dataloader.dataset.",)
MODEL = ("model.backbone.", "model.pretrained")


def _iters(count: str) -> Deviation:
    return Deviation(f"trains {count} iterations", ITERS)


_NO_SIZE = Deviation("gives the preprocessor no size, and so cannot train", SIZE)
_BEIT = Deviation("trains 320k iterations, the rate has fallen to zero after 160k", ITERS)
_MAE = Deviation("trains without mixed precision (its fp16 key is not read)", ("optim_wrapper.",))
_SAN_CONTEXT = Deviation(
    "trains on crops of 480, and weights 172 classes where there are 60",
    ("model.decode_head.loss_decode.0", *CROPS, *TESTS),
)
_SAN_VOC = Deviation(
    "trains on crops of 512, on 21 labels with 20 classes, and weights 172 classes",
    ("model.decode_head.loss_decode.0", *CROPS),
)

DEVIATIONS: dict[str, Deviation] = {
    "ann_r101-d8_4xb4-40k_voc12aug-512x512": _iters("20k"),
    "beit-large_upernet_8xb1-amp-160k_ade20k-640x640": _BEIT,
    "beit-large_upernet_8xb1-amp-160k_ade20k-640x640_ms": _BEIT,
    "bisenetv2_fcn_4xb4-ohem-160k_cityscapes-1024x1024": Deviation(
        "writes its model under a name that is not read: no hard-pixel mining, no size of the preprocessor",
        ("model.decode_head.sampler", "model.auxiliary_head.", *SIZE),
    ),
    "cgnet_fcn_4xb4-60k_cityscapes-680x680": Deviation("takes 8 images per GPU", ("train_dataloader.batch_size",)),
    "deeplabv3_r101-d8_4xb2-amp-80k_cityscapes-512x1024": _iters("40k"),
    "deeplabv3_r101-d8_4xb4-80k_pascal-context-59-480x480": _iters("40k"),
    "deeplabv3plus_r18b-d8_4xb2-80k_cityscapes-769x769": _iters("40k"),
    "deeplabv3plus_r50-d8_4xb2-300k_mapillay_v1_65-1280x1280": Deviation(
        "trains on crops of 512 x 1024; reads images for test-time augmentation with an argument of older releases",
        ("train_pipeline.", "train_dataloader.dataset.", "tta_pipeline.0."),
    ),
    "fcn_r101-d8_4xb4-80k_pascal-context-480x480": _iters("40k"),
    "fpn_r101_4xb4-160k_ade20k-512x512": Deviation("defines its model twice: it is a ResNet-50", MODEL),
    "knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-640x640": Deviation(
        "trains on crops of 512, padded to 640", (*CROPS, *TESTS)
    ),
    "mae-base_upernet_8xb2-amp-160k_ade20k-512x512": _MAE,
    "mae-base_upernet_8xb2-amp-160k_ade20k-512x512-ms": _MAE,
    "mobilenet-v3-d8-s_lraspp_4xb4-320k_cityscapes-512x1024": _iters("160k"),
    "mobilenet-v3-d8-scratch-s_lraspp_4xb4-320k_cityscapes-512x1024": _iters("160k"),
    "mobilenet-v3-d8-scratch_lraspp_4xb4-320k_cityscapes-512x1024": _iters("160k"),
    "mobilenet-v3-d8_lraspp_4xb4-320k_cityscapes-512x1024": _iters("160k"),
    "ocrnet_r101-d8_8xb2-80k_cityscapes-512x1024": Deviation(
        "trains 80k iterations, the rate has fallen to its end after 40k", ITERS[:1]
    ),
    "san-vit-b16_pascal_context-640x640": _SAN_CONTEXT,
    "san-vit-b16_voc12aug-640x640": _SAN_VOC,
    "san-vit-l14_pascal_context-640x640": _SAN_CONTEXT,
    "san-vit-l14_voc12aug-640x640": _SAN_VOC,
    "segmenter_vit-l_mask_8xb1-160k_ade20k-512x512": Deviation(
        "has crops and windows of 640",
        ("model.backbone.img_size", "model.test_cfg.", *SIZE, "crop_size", *CROPS, *TESTS),
    ),
    "swin-tiny-patch4-window7_upernet_1xb8-20k_levir-256x256": Deviation(
        "takes 4 images per GPU", ("train_dataloader.batch_size",)
    ),
    "upernet_r18_4xb4-160k_ade20k-512x512": _NO_SIZE,
    "upernet_r18_4xb4-20k_voc12aug-512x512": _NO_SIZE,
    "upernet_r18_4xb4-40k_voc12aug-512x512": _NO_SIZE,
    "upernet_r18_4xb4-80k_ade20k-512x512": _NO_SIZE,
    "vit_deit-s16_upernet_8xb2-160k_ade20k-512x512": _iters("80k"),
}
