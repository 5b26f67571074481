"""Which files a config means: the pairs of each of its datasets, found even where some of them are missing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segue.config.builder.find import find
from segue.config.builder.plan import Planner, make
from segue.config.builder.signature import signature
from segue.config.nodes import dataset_nodes
from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.folder import FolderDataset
from segue.datasets.multilabel import MultilabelDataset
from segue.doctor.facts import Facts, examine
from segue.doctor.findings import Finding
from segue.doctor.pairing import Listing, list_named, list_paired
from segue.doctor.rules import Rules, pairs_of
from segue.doctor.stacks import examine_stack, list_stacks
from segue.errors import ConfigError, DataError, LabelError, SegueError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.stacks import StackFiles

SPLITS = ("train", "val", "test")
_UNNAMED = "(classes unknown)"


@dataclass
class Source:
    """One dataset.

    Attributes:
        split: ``train``, ``val``, ``test``; ``val, test`` where both are the same data.
        keys: where the config describes it; empty for a folder without a config.
        kind: its class.
        pairs: (image, mask or None).
        rules: what the values of its masks mean.
        palette: a color per class.
        findings: what was found while its files were listed.
        known: the public dataset that it is, if that is known.
        usual_zero: whether 0 means unlabeled in that dataset's files.
        guessed: whether its classes are only what was found in the masks.
        look_at_images: whether its images are files that `segue.images.read` reads.
        color_type: how its pipeline reads them.
        stacks: of multilabel data, the files of the masks by image; the ``pairs`` then name one of them.
        pipelines: the transforms as the config has them, by the key of the dataset.
    """

    split: str
    keys: tuple[str, ...]
    kind: str
    pairs: Sequence[tuple[str, str | None]]
    rules: Rules
    palette: Sequence[Sequence[int]] = ()
    findings: list[Finding] = field(default_factory=list)
    known: str = ""
    usual_zero: bool | None = None
    look_at_images: bool = True
    guessed: bool = False
    color_type: str = "color"
    stacks: Mapping[str, StackFiles] = field(default_factory=dict)
    pipelines: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def examine(self, pair: tuple[str, str | None]) -> Facts:
        """What one of its pairs is."""
        if self.stacks and pair[1] is not None:
            files, count = self.stacks[pair[0]], self.rules.num_classes or 0
            return examine_stack(pair[0], files, count, look_at_image=self.look_at_images, color_type=self.color_type)
        return examine(*pair, look_at_image=self.look_at_images, color_type=self.color_type)


def sources_of(cfg: Mapping[str, Any]) -> list[Source]:
    """The datasets of ``train_dataloader``, ``val_dataloader`` and ``test_dataloader``; equal ones once.

    Raises:
        ConfigError: there is none, or one cannot be built.
    """
    leaves: dict[str, tuple[list[str], dict[str, Mapping[str, Any]]]] = {}
    for split in SPLITS:
        node = (cfg.get(f"{split}_dataloader") or {}).get("dataset")
        if not node:
            continue
        for key, leaf in dataset_nodes(node, f"{split}_dataloader.dataset"):
            same = repr(sorted((k, v) for k, v in leaf.items() if k not in ("pipeline", "test_mode")))
            if split != "train" and same in leaves and leaves[same][0][0] != "train":
                leaves[same][0].append(split)
                leaves[same][1][key] = leaf
            else:
                leaves[f"{split}{key}" if split == "train" else same] = ([split], {key: leaf})
    if not leaves:
        raise ConfigError("the config has no train_dataloader, val_dataloader or test_dataloader with a dataset")
    return [_source(cfg, splits, nodes) for splits, nodes in leaves.values()]


def _source(cfg: Mapping[str, Any], splits: Sequence[str], nodes: Mapping[str, Mapping[str, Any]]) -> Source:
    split = ", ".join(dict.fromkeys(splits))
    keys = tuple(nodes)
    leaf = nodes[keys[0]]
    kind = str(leaf.get("type", "?"))
    named = True
    try:
        dataset = _built(cfg, keys[0], leaf, {})
    except (LabelError, DataError) as error:
        if leaf.get("classes") or kind.rpartition(".")[2] != FolderDataset.__name__:
            raise
        # a FolderDataset reads the masks to name its classes; here their faults are findings, not the end
        dataset = _built(cfg, keys[0], leaf, {"classes": (_UNNAMED,)})
        named = False
        if not isinstance(dataset, FolderDataset):
            raise error
    listing = list_dataset(dataset, split)
    rules = rules_of(dataset, named)
    palette = dataset.metainfo.get("palette") or ()
    kind = kind.rpartition(".")[2]
    declared = isinstance(dataset, BaseSegDataset) and type(dataset).METAINFO
    usual = type(dataset).REDUCE_ZERO_LABEL if declared else None
    steps = [str(step.get("type", "")).rpartition(".")[2] for step in leaf.get("pipeline") or ()]
    images, masks = reads_files(steps)
    pairs = [(image, mask if masks else None) for image, mask in listing.pairs]
    guessed = isinstance(dataset, FolderDataset) and any("classes found in" in note for note in dataset.notes)
    colors = [str(step["color_type"]) for step in leaf.get("pipeline") or () if step.get("color_type")]
    source = Source(split, keys, kind, pairs, rules, palette, listing.findings, kind, usual, images, guessed)
    source.color_type = colors[0] if colors else "color"
    source.stacks = listing.stacks
    source.pipelines = {key: node.get("pipeline") or () for key, node in nodes.items()}
    return source


def reads_files(steps: Sequence[str]) -> tuple[bool, bool]:
    """Whether a pipeline of these transforms reads images and masks the usual way; another way is not judged here."""
    loads_image = [step for step in steps if step.startswith("Load") and "Annotation" not in step]
    loads_mask = [step for step in steps if step.startswith("Load") and "Annotation" in step]
    usual = set(loads_image) <= {"LoadImageFromFile"}
    return usual, set(loads_mask) <= {"LoadAnnotations"}


def rules_of(dataset: Any, named: bool = True) -> Rules:
    """What a built dataset's mask values mean."""
    info = dataset.metainfo
    classes = info.get("classes")
    meta = getattr(dataset, "_meta", None)
    return Rules(
        tuple(classes) if classes and named else None,
        getattr(dataset, "void", 255),
        getattr(dataset, "ignore_index", 255),
        bool(info.get("reduce_zero_label")),
        pairs_of(info.get("label_map")),
        getattr(meta, "label_map", None) is not None,
        bool(getattr(dataset, "void_given", False)),
    )


def built_with(cfg: Mapping[str, Any], key: str, changes: Mapping[str, Any]) -> Any:
    """The dataset that a config describes at a key, with other arguments; its files are not looked for."""
    node: Any = cfg
    for part in key.split("."):
        node = node[int(part)] if isinstance(node, (list, tuple)) else node[part]
    return _built(cfg, key, node, changes)


def _built(cfg: Mapping[str, Any], key: str, leaf: Mapping[str, Any], changes: Mapping[str, Any]) -> Any:
    """The dataset without its pipeline, its files not yet looked for."""
    node = {**leaf, "pipeline": [], **changes}
    try:
        known, takes_any = signature(find("datasets", str(leaf.get("type"))))
        if "lazy_init" in known or takes_any:
            node["lazy_init"] = True
    except LookupError:
        pass  # the planner says what there is
    planner = Planner(cfg)
    plan = planner.component(node, "datasets", key)
    if planner.problems:
        raise ConfigError(planner.problems)
    try:
        return make(plan)
    except ConfigError:
        if "lazy_init" not in node or "lazy_init" in leaf or "lazy_init" in changes:
            raise
    node.pop("lazy_init")  # the class takes any argument, but not this one
    return make(planner.component(node, "datasets", key))


def list_dataset(dataset: Any, split: str) -> Listing:
    """The pairs of a built dataset, and what is wrong with its folders."""
    if isinstance(dataset, MultilabelDataset):
        return list_stacks(dataset, split)
    listing = Listing([], [])
    try:
        if hasattr(dataset, "full_init"):
            dataset.full_init()
    except LabelError:
        pass  # a first look at the values; they are all looked at later
    except DataError as error:
        if not getattr(dataset, "data_list", None):
            listing = list_anyway(dataset, split)
            if not listing.findings:
                listing.findings.append(Finding("files", "error", split, str(error)))
            return listing
        # the files are known; one that cannot be read is found when all are looked at
    reader = getattr(dataset, "mask_reader", None)
    if (
        reader is not None
        and reader.named
        and reader.format != "rgb"
        and reader.names.background == reader.names.ignore
    ):
        message = (
            "The classes have no 'background', so pixels that no annotation covers are ignored. If they are a class, "
            "begin classes with 'background' and count it in num_classes."
        )
        listing.findings.append(Finding("no-background", "warning", split, message))
    infos = [dataset.get_data_info(i) for i in range(_length(dataset))]
    listing.pairs = [(info["img_path"], info.get("seg_map_path")) for info in infos]
    whole = isinstance(dataset, BaseSegDataset) and not dataset.ann_file and dataset.indices is None
    if whole and dataset.mask_reader is not None and not dataset.mask_reader.suffixes:
        return listing  # the format says which images there are, or which masks belong to them
    if whole and getattr(dataset, "split", None) is None:
        masks = dataset.data_prefix.get("seg_map_path")
        if masks and os.path.isdir(masks) and isinstance(dataset, FolderDataset):
            used = {mask for _, mask in listing.pairs if mask}
            listing.findings += list_paired(
                dataset.data_prefix["img_path"], masks, split, used, _ends(dataset), dataset.suffixes
            ).findings
        elif masks and os.path.isdir(masks):
            listing.findings += _suffixed(dataset, split).findings
    return listing


def _length(dataset: Any) -> int:
    try:
        return len(dataset)
    except SegueError:
        return len(getattr(dataset, "data_list", ()))  # the files are known, their labels are not in order


def list_anyway(dataset: Any, split: str) -> Listing:
    """What there is of a dataset whose own listing refuses."""
    prefix = getattr(dataset, "data_prefix", {})
    images, masks = prefix.get("img_path"), prefix.get("seg_map_path")
    if not isinstance(dataset, BaseSegDataset) or not images or not masks:
        return Listing([], [])
    if not (os.path.isdir(images) and os.path.isdir(masks)):
        return Listing([], [])
    if dataset.mask_reader is not None and not dataset.mask_reader.suffixes:
        return Listing([], [])
    if isinstance(dataset, FolderDataset):
        listing = list_paired(images, masks, split, None, _ends(dataset), dataset.suffixes)
    else:
        listing = _suffixed(dataset, split)
    pairs = [(image, mask if mask is None else dataset.mask_path(mask, image)) for image, mask in listing.pairs]
    return Listing(pairs, listing.findings)


def _ends(dataset: BaseSegDataset) -> tuple[str, ...]:
    """What the names of the label maps may end with."""
    return IMAGE_SUFFIXES if dataset.mask_reader is None else dataset.mask_reader.suffixes


def _suffixed(dataset: BaseSegDataset, split: str) -> Listing:
    prefix = dataset.data_prefix
    return list_named(
        prefix["img_path"],
        prefix["seg_map_path"],
        (dataset.img_suffix, dataset.seg_map_suffix),
        dataset.ann_file if os.path.isfile(dataset.ann_file) else "",
        split,
    )
