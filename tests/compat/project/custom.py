"""A user's own modules in the styles that projects on mmseg are written in. Runs under mmseg 1.2.2 and under Segue."""

from __future__ import annotations

import json
import os.path as osp
from typing import List, Optional

import mmengine
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule, build_activation_layer, build_norm_layer
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmengine.dist import get_dist_info
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import DATA_SAMPLERS
from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm
from mmengine.visualization import BaseVisBackend
from mmseg.datasets import BaseSegDataset
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses.utils import weight_reduce_loss
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.utils import resize
from mmseg.registry import DATASETS, HOOKS, METRICS, MODELS, OPTIM_WRAPPER_CONSTRUCTORS, TRANSFORMS, VISBACKENDS
from mmseg.utils import ConfigType, OptConfigType
from torch.utils.data import Sampler


@MODELS.register_module()
class PyramidTinyHead(BaseDecodeHead):
    """Keywords passed on, inputs concatenated, blocks from dicts."""

    def __init__(self, pool_scales=(1, 2), **kwargs):
        super().__init__(input_transform="resize_concat", **kwargs)
        self.pools = nn.ModuleList(
            [
                nn.Sequential(
                    nn.AdaptiveAvgPool2d(s),
                    ConvModule(
                        self.in_channels, self.channels, 1, conv_cfg=self.conv_cfg, norm_cfg=None, act_cfg=self.act_cfg
                    ),
                )
                for s in pool_scales
            ]
        )
        self.bottleneck = ConvModule(
            self.in_channels + len(pool_scales) * self.channels,
            self.channels,
            3,
            padding=1,
            conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
        )

    def forward(self, inputs):
        x = self._transform_inputs(inputs)
        outs = [x]
        for pool in self.pools:
            outs.append(resize(pool(x), size=x.shape[2:], mode="bilinear", align_corners=self.align_corners))
        return self.cls_seg(self.bottleneck(torch.cat(outs, dim=1)))


@MODELS.register_module()
class GatedHead(BaseDecodeHead):
    """Normalization by dict, frozen by ``_BatchNorm``; a loss of its own beside the usual one."""

    def __init__(self, gate_cfg: OptConfigType = None, freeze_bn: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.conv = DepthwiseSeparableConvModule(self.in_channels, self.channels, 3, padding=1, norm_cfg=self.norm_cfg)
        self.norm_name, norm = build_norm_layer(self.norm_cfg, self.channels, postfix="_gate")
        self.add_module(self.norm_name, norm)
        self.gate = build_activation_layer(gate_cfg or dict(type="Sigmoid"))
        if freeze_bn:
            for m in self.modules():
                if isinstance(m, _BatchNorm):
                    m.weight.requires_grad = False

    def forward(self, inputs):
        x = self.conv(self._transform_inputs(inputs))
        return self.cls_seg(x * self.gate(getattr(self, self.norm_name)(x)))

    def loss_by_feat(self, seg_logits, batch_data_samples) -> dict:
        loss = super().loss_by_feat(seg_logits, batch_data_samples)
        seg_label = self._stack_batch_gt(batch_data_samples).squeeze(1)
        share = torch.stack([(seg_label == c).float().mean() for c in range(self.num_classes)])
        pred = seg_logits.softmax(1).mean((0, 2, 3))
        loss["loss_share"] = 0.5 * F.l1_loss(pred, share)
        return loss


@MODELS.register_module()
class SmoothLoss(nn.Module):
    """Cross-entropy with label smoothing."""

    def __init__(self, smoothing=0.1, reduction="mean", loss_weight=1.0, loss_name="loss_smooth", **kwargs):
        super().__init__()
        self.smoothing, self.reduction, self.loss_weight = smoothing, reduction, loss_weight
        self._loss_name = loss_name

    def forward(self, pred, target, weight=None, avg_factor=None, reduction_override=None, ignore_index=255, **kwargs):
        reduction = reduction_override if reduction_override else self.reduction
        loss = F.cross_entropy(
            pred, target, reduction="none", ignore_index=ignore_index, label_smoothing=self.smoothing
        )
        return self.loss_weight * weight_reduce_loss(loss, weight, reduction, avg_factor)

    @property
    def loss_name(self):
        return self._loss_name


@MODELS.register_module()
class TinyNet(BaseModule):
    """Three strided convolutions."""

    def __init__(
        self,
        widths=(4, 8, 16),
        norm_cfg: ConfigType = dict(type="BN"),
        act_cfg=dict(type="ReLU"),
        norm_eval=False,
        init_cfg=[
            dict(type="Kaiming", layer="Conv2d"),
            dict(type="Constant", val=1, layer=["_BatchNorm", "GroupNorm"]),
        ],
    ):
        super().__init__(init_cfg=init_cfg)
        self.norm_eval = norm_eval
        self.stages = nn.ModuleList()
        last = 3
        for width in widths:
            self.stages.append(ConvModule(last, width, 3, stride=2, padding=1, norm_cfg=norm_cfg, act_cfg=act_cfg))
            last = width

    def forward(self, x):
        outs = []
        for stage in self.stages:
            x = stage(x)
            outs.append(x)
        return tuple(outs)

    def train(self, mode=True):
        super().train(mode)
        if mode and self.norm_eval:
            for m in self.modules():
                if isinstance(m, _BatchNorm):
                    m.eval()


@TRANSFORMS.register_module()
class BrightStripes(BaseTransform):
    """A draw that is made once per sample, and shared by two methods."""

    def __init__(self, prob=1.0, shift=10):
        self.prob, self.shift = prob, shift

    @cache_randomness
    def _draw(self):
        return 1.0 if np.random.rand() < self.prob else 0.0

    def transform(self, results: dict) -> Optional[dict]:
        shift = int(self.shift * self._draw())
        img = results["img"].astype(np.int16)
        img[::2] += shift
        results["img"] = np.clip(img, 0, 255).astype(np.uint8)
        for key in results.get("seg_fields", []):
            results[key][0, :] = 255
        return results

    def __repr__(self):
        return f"{self.__class__.__name__}(prob={self.prob})"


@METRICS.register_module()
class PixelErrors(BaseMetric):
    """Wrong pixels in percent."""

    default_prefix = "pix"

    def __init__(self, ignore_index=255, collect_device="cpu", prefix=None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ignore_index = ignore_index

    def process(self, data_batch: dict, data_samples: List[dict]) -> None:
        for data_sample in data_samples:
            pred = data_sample["pred_sem_seg"]["data"].squeeze()
            label = data_sample["gt_sem_seg"]["data"].squeeze().to(pred)
            keep = label != self.ignore_index
            name = osp.basename(data_sample["img_path"])
            self.results.append((name, int((pred[keep] != label[keep]).sum()), int(keep.sum())))

    def compute_metrics(self, results: list) -> dict:
        logger: MMLogger = MMLogger.get_current_instance()
        logger.info(f"{len(results)} images, classes {self.dataset_meta['classes']}")
        wrong = sum(r[1] for r in results)
        total = sum(r[2] for r in results)
        return dict(error=100.0 * wrong / total, images=len(results))


@HOOKS.register_module()
class RecordHook(Hook):
    """Writes the loss of every iteration, and which points it saw, into a file."""

    priority = "LOW"

    def __init__(self, out, interval=1):
        self.out, self.interval = out, interval
        self.lines, self.points = [], []

    def before_run(self, runner):
        self.points.append("before_run")

    def before_train(self, runner):
        self.points.append(f"before_train {runner.max_iters}")

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.points.append(f"before_train_iter {batch_idx} {runner.iter}")

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.points.append(f"after_train_iter {batch_idx} {runner.iter}")
        if self.every_n_train_iters(runner, self.interval):
            self.lines.append({k: float(v) for k, v in outputs.items()})

    def after_val_epoch(self, runner, metrics=None):
        self.lines.append(dict(metrics))

    def after_train(self, runner):
        self.points.append("after_train")

    def after_run(self, runner):
        mmengine.dump(dict(lines=self.lines, points=self.points), self.out, file_format="json")


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class HeadFirstConstructor(DefaultOptimWrapperConstructor):
    """The decode head learns faster."""

    def add_params(self, params, module, prefix="", is_dcn_module=None, **kwargs):
        factor = self.paramwise_cfg.get("head_factor", 2.0)
        for name, param in module.named_parameters():
            if not param.requires_grad:
                continue
            group = {"params": [param], "lr": self.base_lr * (factor if "head" in name else 1.0)}
            if name.endswith("bias"):
                group["weight_decay"] = 0.0
            params.append(group)


@MODELS.register_module()
class NoisySegmentor(EncoderDecoder):
    """A segmentor around the usual one: changes the input, weighs and adds losses, sees the metadata."""

    def __init__(self, scale=0.5, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def extract_feat(self, inputs):
        return super().extract_feat(inputs * self.scale)

    def loss(self, inputs, data_samples) -> dict:
        x = self.extract_feat(inputs)
        losses = dict()
        losses.update(self._decode_head_forward_train(x, data_samples))
        heights = torch.tensor([s.metainfo["img_shape"][0] for s in data_samples], dtype=torch.float32)
        labels = torch.stack([s.gt_sem_seg.data for s in data_samples])
        losses["loss_size"] = 1e-3 * heights.mean() * (labels == 0).float().mean() * x[0].abs().mean()
        if self.with_auxiliary_head:
            losses.update(self._auxiliary_head_forward_train(x, data_samples))
        return losses


@DATASETS.register_module()
class ListedDataset(BaseSegDataset):
    """Samples from a json file."""

    METAINFO = dict(classes=("sky", "road", "tree"), palette=[[0, 0, 200], [90, 90, 90], [0, 150, 0]])

    def __init__(self, img_suffix=".png", seg_map_suffix="_mask.png", **kwargs) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, reduce_zero_label=False, **kwargs)

    def load_data_list(self) -> List[dict]:
        with open(self.ann_file) as f:
            names = json.load(f)["names"]
        data_list = []
        for name in reversed(names):
            data_info = dict(img_path=osp.join(self.data_prefix["img_path"], name + self.img_suffix))
            data_info["seg_map_path"] = osp.join(self.data_prefix["seg_map_path"], name + self.seg_map_suffix)
            data_info["label_map"] = self.label_map
            data_info["reduce_zero_label"] = self.reduce_zero_label
            data_info["seg_fields"] = []
            data_list.append(data_info)
        return data_list


@DATA_SAMPLERS.register_module()
class EvenFirstSampler(Sampler):
    """Even samples, then odd ones."""

    def __init__(self, dataset, seed=None, offset=0):
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.seed, self.offset = dataset, seed, offset
        self.epoch = 0

    def __iter__(self):
        order = list(range(0, len(self.dataset), 2)) + list(range(1, len(self.dataset), 2))
        order = order[self.offset :] + order[: self.offset]
        yield from order[self.rank :: self.world_size]

    def __len__(self):
        return len(self.dataset)

    def set_epoch(self, epoch):
        self.epoch = epoch


@VISBACKENDS.register_module()
class LinesBackend(BaseVisBackend):
    """Numbers as lines of a text file."""

    def __init__(self, save_dir, file="lines.txt"):
        super().__init__(save_dir)
        self.file = osp.join(save_dir, file)

    def _init_env(self):
        pass

    @property
    def experiment(self):
        return self

    def add_config(self, config, **kwargs):
        mmengine.mkdir_or_exist(osp.dirname(self.file))
        with open(self.file, "a") as f:
            f.write(f"config {config.model.type}\n")

    def add_image(self, name, image, step=0, **kwargs):
        pass

    def add_scalar(self, name, value, step=0, **kwargs):
        pass

    def add_scalars(self, scalar_dict, step=0, file_path=None, **kwargs):
        with open(self.file, "a") as f:
            f.write(f"{step} loss={float(scalar_dict['loss']):.4f}\n")

    def close(self):
        with open(self.file, "a") as f:
            f.write("closed\n")
