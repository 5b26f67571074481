"""Which format label maps are in: by the name that a config gives, or by what their files are called and hold."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from segue.errors import DataError, InputError, nearest
from segue.images.limits import check_file
from segue.masks.cityscapes import CityscapesReader, is_cityscapes
from segue.masks.coco import CocoReader, is_coco
from segue.masks.cvat import CvatReader, is_cvat
from segue.masks.documents import annotation_files, read_json
from segue.masks.geojson import GeojsonReader, is_geojson
from segue.masks.instances import InstancesReader
from segue.masks.isat import IsatReader, is_isat
from segue.masks.label_studio import LabelStudioReader, is_label_studio
from segue.masks.labelme import LabelmeReader, is_labelme
from segue.masks.mat import MatReader
from segue.masks.names import Names
from segue.masks.polygons import PolygonsReader, is_polygons
from segue.masks.reader import MaskReader
from segue.masks.rgb import RgbReader
from segue.masks.supervisely import SuperviselyReader, is_supervisely
from segue.masks.tools import BOXES, one_per_line, tool_of
from segue.masks.via import ViaReader, is_via, is_via_csv
from segue.masks.yolo import YoloReader, is_yolo

READERS: dict[str, type[MaskReader]] = {
    reader.format: reader
    for reader in (
        *(LabelmeReader, CocoReader, YoloReader, GeojsonReader, PolygonsReader, RgbReader, InstancesReader, MatReader),
        *(CvatReader, LabelStudioReader, SuperviselyReader, ViaReader, IsatReader, CityscapesReader),
    )
}
#: Label maps that are pictures or numpy files of values need no reader.
PICTURES = "index"
#: Ends of the files that may be annotations.
SUFFIXES = (".json", ".geojson", ".txt", ".mat", ".xml", ".csv")
#: What the first bytes of such a file must hold, for others of that name are common.
_MARKED = {".xml": b"<annotations", ".csv": b"region_shape_attributes"}
_OTHERS = "others"
_LOOKED_AT = 8


#: Top-level keys of files that are no masks, or of formats that are not read, and the export that helps.
def reader_of(mask_format: str | Mapping[str, Any], root: str, names: Names | None = None) -> MaskReader | None:
    """The reader that a config asks for; None for pictures.

    Args:
        mask_format: a name, or ``dict(type=name, ...)`` with the reader's arguments and, for formats of names,
            ``others`` (see `Names`).
        root: file or folder of the annotations.
        names: classes, once they are settled.

    Raises:
        InputError: an unknown name or argument.
    """
    name, options = split_format(mask_format)
    if name == PICTURES:
        return None
    reader = READERS[name]
    others = options.pop(_OTHERS, None)
    known = [p for p in inspect.signature(reader).parameters if p not in ("root", "names")]
    for key in options:
        if key not in known:
            possible = ", ".join([*known, *([_OTHERS] if reader.named else [])]) or "no arguments"
            raise InputError(f"mask_format: {name!r} takes {possible}; got {key!r}")
    if others is not None and names is not None:
        names = replace(names, others=others)
    if names is not None and reader.named:
        names.check()
    return reader(root, names, **options)


def split_format(mask_format: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and arguments."""
    if not isinstance(mask_format, (str, Mapping)):
        raise InputError(f"mask_format is a name or dict(type=name, ...), got {mask_format!r}")
    options = {"type": mask_format} if isinstance(mask_format, str) else dict(mask_format)
    name = options.pop("type", None)
    if name != PICTURES and name not in READERS:
        raise InputError(f"mask_format: there is no format {name!r}{nearest(str(name), [PICTURES, *READERS])}")
    return str(name), options


def recognize(masks: str, names: Sequence[str], beside_images: bool = False) -> str | None:
    """The format of a file or folder of label maps; None for pictures, or if there is nothing else.

    Args:
        masks: the file or folder.
        names: the files below the folder.
        beside_images: the folder holds the images as well, so that its pictures say nothing.

    Raises:
        DataError: the first file that may be an annotation is none.
    """
    if os.path.isfile(masks):
        return _of_file(masks)
    if beside_images:
        masks_beside = [name for name in names if os.path.normpath(name).split(os.sep)[-2:-1] == ["masks"]]
        if masks_beside:
            return InstancesReader.format
    for suffix in SUFFIXES:
        found = annotation_files(names, (suffix,))
        if suffix in _MARKED:
            found = [name for name in found[:_LOOKED_AT] if _MARKED[suffix] in _head(os.path.join(masks, name))]
        if found:
            return _of_file(os.path.join(masks, found[0]))
    return None


def labels_of(reader: type[MaskReader], paths: Sequence[str], mask_format: str | Mapping[str, Any]) -> tuple[str, ...]:
    """The names of classes in annotation files, by those options of the format that decide on them."""
    known = inspect.signature(reader.labels_in).parameters
    options = {key: value for key, value in split_format(mask_format)[1].items() if key in known}
    return reader.labels_in(paths, **options)


def _head(path: str) -> bytes:
    check_file(path)
    try:
        with open(path, "rb") as file:
            return file.read(2048)
    except OSError:
        return b""


def _of_file(path: str) -> str:
    if path.lower().endswith(".mat"):
        return MatReader.format
    if path.lower().endswith(".xml"):
        if is_cvat(_head(path)):
            return CvatReader.format
        raise DataError(f"{path}: not the XML of 'CVAT for images 1.1'; {BOXES}")
    if path.lower().endswith(".csv"):
        if is_via_csv(_head(path).decode("utf-8", "replace")):
            return ViaReader.format
        raise DataError(
            f"{path}: not the CSV of VIA; lists of boxes, as makesense.ai's, are no masks: export COCO or VIA JSON"
        )
    if path.lower().endswith(".txt"):
        check_file(path)
        try:
            with open(path, encoding="utf-8-sig") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from error
        if is_yolo(text) or not text.strip():
            return YoloReader.format
        raise DataError(f"{path}: not YOLO polygons, whose lines are 'class x y x y ...'")
    if (line := one_per_line(path)) is not None:
        tool = tool_of(line) or "an export with one JSON object per line: export as COCO"
        raise DataError(f"{path}: has a JSON object on each line, which no format here has. Perhaps {tool}.")
    data = read_json(path)
    for reader, fits in (
        (LabelmeReader, is_labelme),
        (CocoReader, is_coco),
        (PolygonsReader, is_polygons),
        (GeojsonReader, is_geojson),
        (LabelStudioReader, is_label_studio),
        (SuperviselyReader, is_supervisely),
        (IsatReader, is_isat),
        (CityscapesReader, is_cityscapes),
        (ViaReader, is_via),
    ):
        if fits(data):
            return reader.format
    first = data[0] if isinstance(data, list) and data else data
    keys = ", ".join(map(str, list(first)[:6])) if isinstance(first, dict) else type(data).__name__
    tool = tool_of(first)
    advice = f" Perhaps {tool}." if tool else " Export the annotations as COCO, or as PNG masks."
    known = ", ".join(name for name in READERS if name not in ("rgb", "instances", "mat", "yolo"))
    raise DataError(f"{path}: is none of the formats {known} (it has {keys or 'nothing'}).{advice}")
