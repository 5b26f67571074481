"""Rewrite pipelines of mmseg 0.x for 1.x: normalization and padding move into the model's ``data_preprocessor``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segue.config.marks import Items, Mark, children, origin
from segue.config.tree import ConfigDict
from segue.config.v0.ledger import Ledger, derived, renamed

#: 0.x keys of the sample that ``Collect`` may be asked to keep, and their names now; "" is gone.
META_KEYS = {"filename": "img_path", "ori_filename": "", "img_norm_cfg": ""}
#: Steps that only turned arrays into what the model took; packing does it now.
FORMATTING = ("DefaultFormatBundle", "ImageToTensor", "ToTensor", "Transpose", "ToDataContainer")
#: Test pipelines may resize without bound on the long side; larger than any image.
UNBOUNDED = 1_000_000
RATIOS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)

Step = tuple[ConfigDict, Mark]


@dataclass
class Pipeline:
    """A translated pipeline.

    Attributes:
        steps: the transforms.
        mark: where they were written.
        preprocessor: what the pipeline said about normalization and padding, as arguments of ``SegDataPreProcessor``.
        augmented: the pipeline for test-time augmentation, where the old one asked for it.
    """

    steps: list[ConfigDict] = field(default_factory=list)
    mark: Mark = None
    preprocessor: ConfigDict = field(default_factory=ConfigDict)
    augmented: list[ConfigDict] | None = None


def migrate_pipeline(steps: Sequence[ConfigDict], mark: Mark, path: str, ledger: Ledger, *, train: bool) -> Pipeline:
    """Translate a pipeline; ``train`` is False where annotations are read for measuring only."""
    reading = _Reading(ledger, path, train)
    for index, (step, at) in enumerate(zip(steps, children(mark, len(steps)), strict=True)):
        reading.step(step, at, f"{path}.{index}")
    done = reading.done
    done.mark = Items(origin(mark), tuple(at for _, at in reading.steps))
    done.steps = [step for step, _ in reading.steps]
    return done


class _Reading:
    """One pipeline while it is translated."""

    def __init__(self, ledger: Ledger, path: str, train: bool) -> None:
        self.ledger, self.path, self.train = ledger, path, train
        self.steps: list[Step] = []
        self.done = Pipeline()
        self.scale: tuple[Any, Mark] | None = None  # img_scale of the MultiScaleFlipAug around a step

    def step(self, step: ConfigDict, mark: Mark, path: str) -> None:
        kind = str(step.get("type")).removeprefix("mmseg.")
        handler: Callable[[ConfigDict, Mark, str], None] | None = {
            "LoadImageFromFile": self.load_image,
            "LoadAnnotations": self.load_annotations,
            "Resize": self.resize,
            "RandomFlip": self.flip,
            "Normalize": self.normalize,
            "Pad": self.pad,
            "Collect": self.collect,
            "MultiScaleFlipAug": self.multi_scale,
        }.get(kind)
        if kind in FORMATTING:
            self.ledger.note(f"{path} ({kind})", "translated", "PackSegInputs", mark)
        elif handler:
            handler(step, mark, path)
        else:
            self.ledger.note(f"{path} ({kind})", "used", kind, mark)
            self.steps.append((renamed(step, {}), mark))

    def say(self, path: str, kind: str, to: str, mark: Mark) -> None:
        self.ledger.note(f"{path} ({kind})", "used" if kind == to else "translated", to, mark)

    def load_image(self, step: ConfigDict, mark: Mark, path: str) -> None:
        self.say(path, "LoadImageFromFile", "LoadImageFromFile", mark)
        self.steps.append((renamed(step, {"file_client_args": ""}), mark))

    def load_annotations(self, step: ConfigDict, mark: Mark, path: str) -> None:
        self.say(path, "LoadAnnotations", "LoadAnnotations", mark)
        self.steps.append((renamed(step, {"file_client_args": ""}), mark))

    def resize(self, step: ConfigDict, mark: Mark, path: str) -> None:
        new = renamed(step, {"img_scale": "scale", "multiscale_mode": "", "min_size": ""})
        if new.get("scale") is None and self.scale is not None:
            new.put("scale", *self.scale)
        scale, ratios = new.get("scale"), new.get("ratio_range")
        several = isinstance(scale, (list, tuple)) and bool(scale) and isinstance(scale[0], (list, tuple))
        if isinstance(scale, (list, tuple)) and several and len(scale) == 1:
            new.put("scale", scale[0], new._marks.get("scale"))
            several = False
        if "keep_ratio" not in new:
            new.put("keep_ratio", True, mark)  # 0.x kept it unless told otherwise
        if step.get("min_size") is not None:
            short = max(int(step["min_size"]), *([min(new["scale"])] if scale is not None else [0]))
            kind = "ResizeShortestEdge"
            new = derived(mark, type=kind, scale=short, max_size=UNBOUNDED)
        elif ratios is not None:
            kind = "RandomResize"
            if scale is None:
                self.ledger.problem(path, "Resize with ratio_range and no img_scale scaled each image by its own size, "
                                    "which no transform does now; give img_scale=(width, height)", mark)  # fmt: skip
        elif several and step.get("multiscale_mode", "range") == "value":
            kind = "RandomChoiceResize"
            new = renamed(new, {"scale": "scales", "keep_ratio": "", "ratio_range": ""})
            new.put("resize_type", "Resize", mark)
            new.put("keep_ratio", step.get("keep_ratio", True), mark)
        else:
            kind = "RandomResize" if several else "Resize"
            new.pop("ratio_range")
        new.put("type", kind, step._marks.get("type"))
        self.say(path, "Resize", kind, mark)
        self.steps.append((_type_first(new), mark))

    def flip(self, step: ConfigDict, mark: Mark, path: str) -> None:
        names = {"flip_ratio": "prob"}
        if self.scale is not None or not self.train:
            # inside MultiScaleFlipAug it did what `flip` said, which is read there
            self.ledger.note(f"{path} (RandomFlip)", "ignored", "test images are flipped by tta_pipeline only", mark)
            return
        self.say(path, "RandomFlip", "RandomFlip", mark)
        new = renamed(step, names)
        if new.get("prob") is None:
            self.ledger.note(f"{path}.prob", "ignored", "no probability: it never flipped", mark)
            return
        self.steps.append((new, mark))

    def normalize(self, step: ConfigDict, mark: Mark, path: str) -> None:
        self.say(path, "Normalize", "model.data_preprocessor.mean, std, bgr_to_rgb", mark)
        found = self.done.preprocessor
        for old, new in (("mean", "mean"), ("std", "std")):
            found.put(new, step[old], step._marks.get(old))
        found.put("bgr_to_rgb", step.get("to_rgb", True), step._marks.get("to_rgb", mark))

    def pad(self, step: ConfigDict, mark: Mark, path: str) -> None:
        self.say(path, "Pad", "model.data_preprocessor.size, pad_val, seg_pad_val", mark)
        found = self.done.preprocessor
        for key in ("pad_val", "seg_pad_val", "size", "size_divisor"):
            if step.get(key) is not None:
                found.put(key, step[key], step._marks.get(key))

    def collect(self, step: ConfigDict, mark: Mark, path: str) -> None:
        self.say(path, "Collect", "PackSegInputs", mark)
        if not self.train and not any("Annotation" in str(s["type"]) for s, _ in self.steps):
            # metrics compare with what the pipeline read; after Resize, since labels are measured at their own size
            self.steps.append((derived(mark, type="LoadAnnotations"), mark))
        new = derived(mark, type="PackSegInputs")
        if step.get("meta_keys"):
            keys = [META_KEYS.get(key, key) for key in step["meta_keys"]]
            new.put("meta_keys", tuple(key for key in keys if key), step._marks.get("meta_keys"))
        self.steps.append((new, mark))

    def multi_scale(self, step: ConfigDict, mark: Mark, path: str) -> None:
        scale: Any = step.get("img_scale")
        several = isinstance(scale, (list, tuple)) and bool(scale) and isinstance(scale[0], (list, tuple))
        if several:
            self.ledger.note(f"{path}.img_scale", "translated", f"the first, {scale[0]}; the others by tta", mark)
        self.say(path, "MultiScaleFlipAug", "its transforms, one after the other", mark)
        self.scale = (scale[0] if several else scale, step._marks.get("img_scale"))
        inner = step.get("transforms") or []
        marks = children(step._marks.get("transforms"), len(inner))
        for index, (child, at) in enumerate(zip(inner, marks, strict=True)):
            self.step(child, at, f"{path}.transforms.{index}")
        self.scale = None
        ratios = step.get("img_ratios")
        if ratios or step.get("flip"):
            self.done.augmented = _augmented(step, ratios or [1.0])
            self.ledger.note(f"{path}.img_ratios, flip", "translated", "tta_pipeline, used where asked for", mark)


def _augmented(step: ConfigDict, ratios: Any) -> list[ConfigDict]:
    """The pipeline for test-time augmentation that a ``MultiScaleFlipAug`` described.

    Its sizes are ``img_scale`` by each ratio, or those of the image where there is no ``img_scale``.
    """
    mark = step._marks.get("img_ratios") or step._marks.get("flip")
    ratios = list(ratios) if isinstance(ratios, (list, tuple)) else [ratios or 1.0]
    scale: Any = step.get("img_scale")
    given = step.get("flip_direction", "horizontal")
    directions = [given] if isinstance(given, str) else list(given)
    flips = [derived(mark, type="RandomFlip", prob=0.0, direction=directions[0])]
    if step.get("flip"):
        flips += [derived(mark, type="RandomFlip", prob=1.0, direction=way) for way in directions]
    if scale is None:
        return tta_pipeline(ratios, flips, mark)
    scales = [scale] if not isinstance(scale[0], (list, tuple)) else scale
    inner: Mapping[str, Any] = next(
        (each for each in step.get("transforms") or [] if str(each.get("type")).endswith("Resize")), {}
    )
    kept = inner.get("keep_ratio", True)
    sizes = [tuple(int(side * ratio) for side in size) for size in scales for ratio in ratios]
    return _views([derived(mark, type="Resize", scale=size, keep_ratio=kept) for size in sizes], flips, mark)


def tta_pipeline(ratios: Sequence[float], flips: list[ConfigDict], mark: Mark = None) -> list[ConfigDict]:
    """``TestTimeAug`` over sizes and flips."""
    return _views([derived(mark, type="Resize", scale_factor=ratio, keep_ratio=True) for ratio in ratios], flips, mark)


def _views(sizes: list[ConfigDict], flips: list[ConfigDict], mark: Mark) -> list[ConfigDict]:
    views = [
        sizes,
        flips,
        [derived(mark, type="LoadAnnotations")],
        [derived(mark, type="PackSegInputs")],
    ]
    return [derived(mark, type="LoadImageFromFile"), derived(mark, type="TestTimeAug", transforms=views)]


def _type_first(node: ConfigDict) -> ConfigDict:
    new = ConfigDict()
    for key in ("type", *(key for key in node if key != "type")):
        new.put(key, node[key], node._marks.get(key))
    return new
