"""How mmseg's transforms print themselves, and the attributes that user code reads from them under mmseg's names.

Both were recorded by running mmseg 1.2.2: braces that do not match and a value that is printed twice are the
reference's, since logs and tests of user code hold the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_DECODING = "ignore_empty={ignore_empty}, to_float32={to_float32}, color_type={color_type!r}"
_FILES = f"({_DECODING}, imdecode_backend={{imdecode_backend!r}}, backend_args={{backend_args}})"
_VOLUMES = "(decode_backend={decode_backend!r}, to_xyz={to_xyz}, to_float32={to_float32}, backend_args={backend_args})"
_KEYS = (
    "(transforms = {transforms}, mapping = {mapping}, remapping = {remapping}, "
    "auto_remap = {auto_remap}, allow_nonexist_keys = {allow_nonexist_keys}"
)
_SIZES = "scale={scale}, scale_factor={scale_factor}, keep_ratio={keep_ratio}"
#: class -> what follows its name
FORMATS: dict[str, str] = {
    "AdjustGamma": "(gamma={gamma})",
    "BioMedical3DPad": "pad_shape={pad_shape}, pad_val={pad_val}), seg_pad_val={seg_pad_val})",
    "BioMedical3DRandomCrop": "(crop_shape={crop_shape})",
    "BioMedical3DRandomFlip": "(prob={prob}, axes={axes}, swap_label_pairs={swap_label_pairs})",
    "BioMedicalGaussianBlur": "(prob={prob}, prob_per_channel={prob_per_channel}, sigma_range={sigma_range}, "
    "different_sigma_per_channel={different_sigma_per_channel}, different_sigma_per_axis={different_sigma_per_axis})",
    "BioMedicalGaussianNoise": "(prob={prob}, mean={mean}, std={std})",
    "BioMedicalRandomGamma": "(prob={prob}, gamma_range={gamma_range},invert_image={invert_image},"
    "per_channel={per_channel},retain_stats={retain_stats}",
    "CLAHE": "(clip_limit={clip_limit}, tile_grid_size={tile_grid_size})",
    "CenterCrop": "(crop_size = {crop_size}, auto_pad={auto_pad}, pad_cfg={pad_cfg},"
    "clip_object_border = {clip_object_border})",
    "ConcatCDInput": "(input_keys={input_keys}, ",
    "GenerateEdge": "edge_width={edge_width}, ignore_index={ignore_index})",
    "ImageToTensor": "(keys={keys})",
    "KeyMapper": f"{_KEYS})",
    "LoadAnnotations": "(reduce_zero_label={reduce_zero_label}, imdecode_backend={imdecode_backend!r}, "
    "backend_args={backend_args})",
    "LoadBiomedicalAnnotation": _VOLUMES,
    "LoadBiomedicalData": "(with_seg={with_seg}, decode_backend={decode_backend!r}, to_xyz={to_xyz}, "
    "backend_args={backend_args})",
    "LoadBiomedicalImageFromFile": _VOLUMES,
    "LoadDepthAnnotation": "(decode_backend={decode_backend!r}, to_float32={to_float32}, backend_args={backend_args})",
    "LoadImageFromFile": _FILES,
    "LoadImageFromNDArray": _FILES,
    "Normalize": "(mean={mean}, std={std}, to_rgb={to_rgb})",
    "PackSegInputs": "(meta_keys={meta_keys})",
    "Pad": "(size={size}, size_divisor={size_divisor}, pad_to_square={pad_to_square}, pad_val={pad_val}), "
    "padding_mode={padding_mode})",
    "PhotoMetricDistortion": "(brightness_delta={brightness_delta}, "
    "contrast_range=({contrast_lower}, {contrast_upper}), saturation_range=({saturation_lower}, {saturation_upper}), "
    "hue_delta={hue_delta})",
    "RGB2Gray": "(out_channels={out_channels}, weights={weights})",
    "RandomApply": "(transforms = {transforms}, prob = {prob})",
    "RandomChoice": "(transforms = {transforms}prob = {prob})",
    "RandomChoiceResize": "(scales={scales}, resize_cfg={resize_cfg})",
    "RandomCrop": "(crop_size={crop_size})",
    "RandomCutOut": "(prob={prob}, n_holes={n_holes}, {drawn}={candidates}, fill_in={fill_in}, "
    "seg_fill_in={seg_fill_in})",
    "RandomFlip": "(prob={prob}, direction={direction})",
    "RandomGrayscale": "(prob = {prob}, keep_channels = {keep_channels}, channel_weights = {channel_weights}, "
    "color_format = {color_format})",
    "RandomMosaic": "(prob={prob}, img_scale={img_scale}, center_ratio_range={center_ratio_range}, "
    "pad_val={pad_val}, seg_pad_val={pad_val})",
    "RandomResize": "(scale={scale}, ratio_range={ratio_range}, resize_cfg={resize_cfg})",
    "RandomRotFlip": "(rotate_prob={rotate_prob}, flip_prob={flip_prob}, degree={degree})",
    "RandomRotate": "(prob={prob}, degree={degree}, pad_val={pad_val}, seg_pad_val={seg_pad_val}, "
    "center={center}, auto_bound={auto_bound})",
    "Rerange": "(min_value={min_value}, max_value={max_value})",
    "Resize": f"({_SIZES}, clip_object_border={{clip_object_border}}), backend={{backend}}), "
    "interpolation={interpolation})",
    "ResizeToMultiple": "(size_divisor={size_divisor}, interpolation={interpolation})",
    "SegRescale": "(scale_factor={scale_factor})",
    "TestTimeAug": "transforms=\n{steps}\n",
    "ToTensor": "(keys={keys})",
    "TransformBroadcaster": f"{_KEYS}, share_random_params = {{share_random_params}})",
}


def _same(*names: str) -> Callable[[Any, Mapping[str, Any]], dict[str, Any]]:
    """Arguments as they were given, a list as a list."""
    return lambda step, given: {name: given[name] for name in names if name in given}


def _resizing(step: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    options = {key: value for key, value in given.items() if key not in ("scale", "scales", "ratio_range")}
    return {"resize_cfg": {"type": options.pop("resize_type", "Resize"), **options}}


def _remapped(step: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    auto = given.get("auto_remap")
    return {"auto_remap": given.get("remapping") is None if auto is None else auto}


def _degree(given: Any) -> Any:
    return given if isinstance(given, (tuple, list)) else (-given, given)


#: class -> attributes that are more than an argument of the same name
BESIDE: dict[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]] = {
    "BioMedicalRandomGamma": lambda step, given: {"gamma_range": given.get("gamma_range", (0.5, 2))},
    "CenterCrop": lambda step, given: {"pad_cfg": given.get("pad_cfg", {"type": "Pad"})},
    "ImageToTensor": _same("keys"),
    "KeyMapper": _remapped,
    "TransformBroadcaster": _remapped,
    "ToTensor": _same("keys"),
    "PackSegInputs": _same("meta_keys"),
    "SegRescale": lambda step, given: {"scale_factor": given.get("scale_factor", 1)},
    "RandomRotFlip": lambda step, given: {"degree": _degree(given.get("degree", (-20, 20)))},
    "LoadAnnotations": lambda step, given: {
        "with_bbox": False, "with_label": False, "with_seg": True, "with_keypoints": False, "file_client_args": None
    },
    "LoadImageFromFile": lambda step, given: {"file_client_args": given.get("file_client_args")},
    "LoadImageFromNDArray": lambda step, given: {"file_client_args": given.get("file_client_args")},
    "Pad": lambda step, given: {"pad_val": {"img": step.image_fill, "seg": step.label_fill}},
    "PhotoMetricDistortion": lambda step, given: {
        "contrast_lower": step.contrast_low, "contrast_upper": step.contrast_high,
        "saturation_lower": step.saturation_low, "saturation_upper": step.saturation_high,
    },
    "RandomCutOut": lambda step, given: {
        "fill_in": given.get("fill_in", (0, 0, 0)),
        "with_ratio": step.by_ratio, "drawn": "cutout_ratio" if step.by_ratio else "cutout_shape"
    },
    "RandomResize": _resizing,
    "RandomChoiceResize": _resizing,
    "RandomRotate": lambda step, given: {"pal_val": step.pad_val, "degree": _degree(given["degree"])},
}  # fmt: skip


def printed(step: Any) -> str | None:
    """The text of a transform, None where mmseg has none of its own."""
    name: str = step.stands_for[1]
    if name not in FORMATS:
        return None
    values = dict(vars(step))
    if "views" in values:
        values["steps"] = "\n".join(pipeline(view.transforms) for view in step.views)
    if "{transforms}" in FORMATS[name]:
        inner = values["transforms"]
        values["transforms"] = (
            f"[{', '.join(pipeline(each.transforms) for each in inner)}]"
            if isinstance(inner, list)
            else pipeline(inner.transforms)
        )
    return type(step).__name__ + FORMATS[name].format_map(values)


def pipeline(steps: Sequence[Any]) -> str:
    """The text of steps in a row."""
    return "".join(("Compose(", *(f"\n    {step}" for step in steps), "\n)"))


def built(steps: Any) -> Any:
    """Dicts of steps, alone or in lists, to the classes that user code knows."""
    if isinstance(steps, Mapping):
        from segue.compat.mmengine.registry import TRANSFORMS

        return TRANSFORMS.build(steps) if "type" in steps else steps
    return [built(step) for step in steps] if isinstance(steps, (list, tuple)) else steps
