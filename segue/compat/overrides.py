"""What a user's class overrides is called, or the class is refused where it is defined: there is nothing in between.

Every class of Segue that user code derives from under a name of mmseg is `Guarded`. `segue.reference.overrides` says
which methods the reference has there; ``CALLED`` which of them Segue calls, too. A user's class that defines another
one is refused, unless its own code calls it, and so is one that takes a name by which Segue's class calls itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from segue.compat.refusals import open_entrances
from segue.errors import InputError
from segue.reference.overrides import HOOK_POINTS, methods_of

_HEAD = (
    "forward loss predict loss_by_feat predict_by_feat losses forward_train forward_test init_weights extra_repr "
    "_transform_inputs cls_seg _forward_feature _stack_batch_gt"
)
_MODULE = "forward init_weights train extra_repr"
_MODEL = "forward _forward train_step val_step test_step parse_losses _run_forward train init_weights"
_SEGMENTOR = (
    f"{_MODEL} extract_feat encode_decode loss predict postprocess_result _init_decode_head _init_auxiliary_head "
    "_decode_head_forward_train _auxiliary_head_forward_train slide_inference whole_inference inference with_neck "
    "with_auxiliary_head"
)
_DATASET = (
    "full_init load_data_list filter_data get_data_info prepare_data get_label_map metainfo _rand_another "
    "get_subset get_subset_ get_gt_seg_maps get_cat_ids"
)
#: room -> methods that Segue calls on every class of it
CALLED: dict[str, str] = {
    "transforms": "__call__ transform",
    "datasets": _DATASET,
    "heads": _HEAD,
    "backbones": _MODULE,
    "necks": _MODULE,
    "losses": _MODULE,
    "models": _SEGMENTOR,
    "layers": _MODULE,
    "preprocessors": "forward cast_data device train",
    "metrics": "process compute_metrics evaluate dataset_meta",
    "samplers": "sample",
    "hooks": f"{HOOK_POINTS} _before_epoch _after_epoch _before_iter _after_iter",
    "visualizers": "add_config add_scalar add_scalars add_image add_graph close _init_env",
}
#: class -> those that it calls beside
MORE: dict[str, str] = {
    "LoadAnnotations": "_load_seg_map",
    "RandomCrop": "crop crop_bbox",
    "RandomFlip": "_choose_direction _flip _flip_on_direction _flip_seg_map",
    "Resize": "_resize_img _resize_seg _resize_bboxes _resize_keypoints",
    "Pad": "_pad_img _pad_seg",
    "RandomResize": "_random_scale _random_sample _random_sample_ratio",
    "RandomChoiceResize": "_random_select",
    "RandomRotate": "generate_degree",
    "PhotoMetricDistortion": "convert brightness contrast saturation hue",
    "UPerHead": "psp_forward",
    **dict.fromkeys(("BaseSegmentor", "EncoderDecoder", "CascadeEncoderDecoder"), "forward_train simple_test"),
    "DepthEstimator": "slide_flip_inference",
    "BaseDecodeHead": "_init_inputs",
    "BaseCascadeDecodeHead": "_init_inputs",
    "Visualizer": "get_instance get_current_instance set_image get_image get_backend show",
    "SegLocalVisualizer": "get_instance get_current_instance set_image get_image get_backend show set_dataset_meta "
    "add_datasample",
    **dict.fromkeys(("BaseTTAModel", "SegTTAModel"), "merge_preds test_step val_step"),
    "IoUMetric": "intersect_and_union total_area_to_metrics",
    "BaseDataset": "parse_data_info",
    "CustomDataset": "load_annotations get_ann_info pre_pipeline prepare_train_img prepare_test_img "
    "evaluate pre_eval format_results get_gt_seg_map_by_idx",  # scripts of 0.x call them
}
_MASKS = "_transform_inputs cls_seg _forward_feature _stack_batch_gt loss_by_feat predict_by_feat losses forward_train"
#: class -> those of ``CALLED`` that it does not call
LESS: dict[str, str] = {
    "Mask2FormerHead": f"{_MASKS} forward_test",
    "MaskFormerHead": f"{_MASKS} forward_test",
    "SideAdapterCLIPHead": f"{_MASKS} forward_test",
    "IterativeDecodeHead": "_transform_inputs cls_seg losses forward_train forward_test",  # those of its first head are
    "DPTHead": "_transform_inputs",
    "VPDDepthHead": "_transform_inputs cls_seg losses forward_train forward_test",  # 0.x had no depths
    "PIDHead": "_transform_inputs loss_by_feat losses",  # they get three outputs in mmseg, of which there is one here
    # Segue's own classes, which are called with other arguments
    "MultimodalEncoderDecoder": _SEGMENTOR.replace(" train init_weights", ""),
    **dict.fromkeys(("ConcatDataset", "RepeatDataset", "ClassBalancedDataset", "MultiImageMixDataset"), _DATASET),
    "PointHead": "forward cls_seg loss_by_feat losses",  # it takes points in mmseg, feature maps here
    "SegmenterMaskTransformerHead": "cls_seg",
    "DDRHead": "loss_by_feat losses",  # likewise two
}
#: room -> what to do in place of an override that is not called
INSTEAD: dict[str, str] = {
    "transforms": "override transform(results), which is called with everything and may call super().transform",
    "datasets": "override load_data_list, get_data_info or prepare_data",
    "heads": "override forward, loss or predict",
    "backbones": "override forward, or change the layers at the end of __init__",
    "necks": "override forward",
    "losses": "override forward, or set self.loss_name in __init__",
    "models": "override loss, predict, extract_feat or encode_decode",
    "preprocessors": "override forward(data, training)",
    "metrics": "override process or compute_metrics",
    "samplers": "override sample",
    "hooks": "write another method, and call it at a point such as after_train_iter",
    "visualizers": "override add_image, add_scalar or add_scalars",
}


class OverrideError(InputError, TypeError):
    """A class overrides a method that Segue would not call; raised where the class is defined."""


def called(room: str, name: str) -> set[str]:
    """The methods of a class of the reference that Segue calls, where a subclass has them."""
    found = {*CALLED.get(room, "").split(), *MORE.get(name, "").split()}
    return found - set(LESS.get(name, "").split())


class Guarded:
    """The base of classes that user code derives from; ``stands_for`` is the room and the reference's name."""

    stands_for: ClassVar[tuple[str, str]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if _is_segues(cls):
            open_entrances(cls, getattr(cls, "stands_for", ("",))[0])
        else:
            _check(cls)


def own_classes(cls: type) -> Iterator[type]:
    """The user's classes among the bases of one, itself included."""
    for base in cls.__mro__:
        if not _is_segues(base) and base.__module__.partition(".")[0] not in ("torch", "builtins", "abc", "typing"):
            yield base


def overridden(instance: Any, *names: str) -> bool:
    """Whether a user's class defines one of the methods."""
    return any(name in base.__dict__ for base in own_classes(type(instance)) for name in names)


def _is_segues(cls: type) -> bool:
    return cls.__module__.startswith("segue.")


def _check(cls: type) -> None:
    room, name = cls.stands_for  # type: ignore[attr-defined]
    allowed = called(room, name)
    theirs = {key: value for base in reversed(list(own_classes(cls))) for key, value in vars(base).items()}
    theirs = {key: value for key, value in theirs.items() if _is_method(value) and not _is_dunder(key)}
    reached = _reached(theirs, allowed)
    reference, house = methods_of(room, name), _names_of_segue(cls)
    for key in theirs:
        if key in allowed or key in reached:
            continue
        if key in reference:
            raise OverrideError(
                f"{cls.__name__} overrides {key} of {name}, which Segue does not call: {INSTEAD.get(room, 'rename it')}"
            )
    for key in theirs:
        if key in house and key not in allowed and key not in reference:
            raise OverrideError(
                f"{cls.__name__} defines {key}, a name that Segue's {name} uses for something else: rename it"
            )


def _is_dunder(key: str) -> bool:
    return key.startswith("__") and key.endswith("__") and key != "__call__"


def _is_method(value: Any) -> bool:
    return isinstance(value, (staticmethod, classmethod, property)) or inspect.isfunction(value)


def _names_of_segue(cls: type) -> set[str]:
    """Names by which a class of Segue's rooms, not of `segue.compat`, calls itself."""
    found: set[str] = set()
    for base in cls.__mro__:
        if _is_segues(base) and not base.__module__.startswith("segue.compat."):
            found |= {key for key, value in vars(base).items() if _is_method(value) and not _is_dunder(key)}
    return found


def _reached(theirs: Mapping[str, Any], allowed: set[str]) -> set[str]:
    """The user's methods that the user's own code calls, beginning with what Segue calls."""
    inits = {"__init__"}
    todo = [key for key in theirs if key in allowed or key in inits]
    found: set[str] = set()
    while todo:
        names = set(_mentioned(theirs[todo.pop()])) & theirs.keys() - found
        found |= names
        todo += names
    return found


def _mentioned(value: Any) -> Iterator[str]:
    functions = [value.fget, value.fset] if isinstance(value, property) else [getattr(value, "__func__", value)]
    codes = [inspect.unwrap(function).__code__ for function in functions if function is not None]
    while codes:
        code = codes.pop()
        yield from code.co_names
        codes += [const for const in code.co_consts if inspect.iscode(const)]
