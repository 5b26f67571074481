"""Annotation tools whose own files are not read: how they are recognized, and which of their exports works."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from segue.images.read import read_bytes

#: What boxes are good for, at the end of a message.
BOXES = "boxes as in VOC are no masks; annotate polygons or masks, or make masks of the boxes with a model such as SAM"

_LABELBOX = "Labelbox: convert its export to COCO with the package labelbox, or save its masks as PNG"
_DARWIN = "V7 Darwin: export as COCO, or as semantic masks"
_SUPERANNOTATE = "SuperAnnotate: export as COCO, with the package superannotate"
#: Keys that a file of a tool has at its top -> the tool and what works.
_KEYS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("data_row", "projects"), _LABELBOX),
    (("data_row",), _LABELBOX),
    (("External ID", "Label"), _LABELBOX),
    (("Labeled Data", "Label"), _LABELBOX),
    (("item", "annotations"), _DARWIN),
    (("dataset", "image", "annotations"), _DARWIN),
    (("image", "annotations"), _DARWIN),
    (("metadata", "instances"), _SUPERANNOTATE),
    (("project_name", "label_classes"), "Hasty: export as COCO, or as semantic PNG masks"),
    (("export_format_version",), "Hasty: export as COCO, or as semantic PNG masks"),
    (("label_hash",), "Encord: export as COCO"),
    (("data_units",), "Encord: export as COCO"),
    (("task_id", "response"), "Scale: save its segmentation masks as PNG"),
    (("dm_format_version",), "Datumaro: export as COCO, or as VOC masks"),
    (("items", "categories"), "Datumaro: export as COCO, or as VOC masks"),
    (("asset", "regions"), "VoTT: export as VoTT JSON and draw its polygons with another tool, or as COCO"),
    (("imagesets",), "Hasty or SuperAnnotate: export as COCO"),
    (("annotations",), "Scale or Encord: export as COCO"),
    (("label",), "an annotation tool that Segue does not know: export as COCO or as PNG masks"),
)


def tool_of(data: Any) -> str:
    """The tool that seems to have written a JSON value, and its export that works; nothing where it cannot be told."""
    if not isinstance(data, Mapping):
        return ""
    found = next((text for keys, text in _KEYS if all(key in data for key in keys)), "")
    inner = next((value for value in data.values() if isinstance(value, Mapping)), None)
    if not found and inner is not None and "instances" in inner:
        return _SUPERANNOTATE  # all images in one file
    return found


def one_per_line(path: str) -> Any | None:
    """The first object of a file that has one on each line, as NDJSON does; None of any other."""
    lines = read_bytes(path)[: 1 << 24].splitlines()
    if len(lines) < 2 and not path.lower().endswith((".ndjson", ".jsonl")):
        return None
    try:
        found = [json.loads(line) for line in lines[:2] if line.strip()]
    except (ValueError, RecursionError):
        return None
    return found[0] if found and all(isinstance(value, dict) for value in found) else None
