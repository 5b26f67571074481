"""The files that ``--save`` asks for, written beside each other in one folder.

labels NAME.png, color NAME_color.png, overlay NAME_overlay.png, probabilities NAME_probabilities.npy (float16),
probabilities-uint8 NAME_probabilities_uint8.npy (255ths), confidence NAME_confidence.png and entropy NAME_entropy.png
(16 bits: 65535 is 1, and ln K), share shares.csv, polygons-coco polygons.json, polygons-labelme NAME.json,
polygons-geojson NAME.geojson, montage montage.html.
"""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segue.convert.annotations import LabelMap, LabelmeWriter
from segue.errors import InputError, nearest
from segue.images.read import write_png
from segue.inference.outlined import coco_annotation, geojson
from segue.inference.prediction import embedded
from segue.masks.draw import polygon

KINDS = (
    *("labels", "color", "overlay", "probabilities", "probabilities-uint8", "confidence", "entropy", "share"),
    *("polygons-coco", "polygons-labelme", "polygons-geojson", "montage"),
)
DEFAULT = ("labels", "overlay")
#: what of it depth models and models of several classes per pixel give
FOR_ALL = ("labels", "overlay", "share", "montage")
OF_LOGITS = ("probabilities", "probabilities-uint8", "confidence", "entropy")
#: images that a montage shows
MOST_SHOWN = 500


@dataclass(frozen=True)
class Saving:
    """What is written of each result.

    Attributes:
        kinds: of `KINDS`.
        legend: overlays have the names of their classes below.
        background: overlays tint a class named background, too.
        least_area: pixels below which a region is no polygon.

    Raises:
        InputError: a kind that there is not, or an option of a kind that is not asked for.
    """

    kinds: tuple[str, ...] = DEFAULT
    legend: bool = False
    background: bool = False
    least_area: int = 1

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise InputError(f"nothing is saved as {kind!r}{nearest(kind, KINDS, listed=20)}")
        if not self.kinds:
            raise InputError(f"nothing to save; there are: {', '.join(KINDS)}")
        if not {"overlay", "montage"} & set(self.kinds) and (self.legend or self.background):
            raise InputError("legend and background are about overlays; save overlay, too")
        if self.least_area != 1 and not any(kind.startswith("polygons") for kind in self.kinds):
            raise InputError("least_area is about polygons; save one of polygons-coco, -labelme, -geojson, too")
        if self.least_area < 1:
            raise InputError(f"least_area={self.least_area}; it is a number of pixels, 1 or more")

    @property
    def needs_logits(self) -> bool:
        """Whether results must keep their logits."""
        return bool(set(OF_LOGITS) & set(self.kinds))

    def check(self, plain: bool, probabilities: bool, model: str) -> None:
        """Raise InputError for what a model does not give: ``plain``, one class per pixel; ``probabilities``."""
        for kind in self.kinds:
            if not plain and kind not in FOR_ALL:
                raise InputError(f"{model} has no {kind} to save, only {', '.join(FOR_ALL)}")
            if kind in OF_LOGITS and not probabilities:
                raise InputError(f"{model} predicts in its own way, which gives no {kind}: leave it out")
        if not plain and (self.legend or self.background):
            raise InputError(f"{model}: legend and background are for models of one class per pixel: leave them out")


@dataclass
class Written:
    """One image's result after its files are written.

    Attributes:
        name: what the files are called.
        path: the image's file, if any.
        files: what was written for this image alone.
        size: (H, W).
        covered: share of each class that occurs, largest first.
        shown: its pictures for the montage.
        regions: its entries for a COCO file.
    """

    name: str
    path: Path | None
    files: list[Path]
    size: tuple[int, int]
    covered: dict[str, float]
    shown: str = field(default="", repr=False)
    regions: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def shares(self) -> dict[str, float]:
        """Share of the image's pixels that each class covers, largest first; classes that do not occur are left out."""
        return self.covered


class Outputs:
    """Writes results: `save` in any thread, `note` in the order of the images, `close` at the end.

    Args:
        folder: where to.
        saving: what.
        classes: names of the classes, for what holds all images; of a depth model None.
    """

    def __init__(self, folder: Path, saving: Saving, classes: Sequence[str] | None) -> None:
        self.folder, self.saving, self.classes = folder, saving, classes
        self.count = 0
        self._shown = self._regions = 0
        self._table: Any = None
        self._page: Any = None
        self._coco: Any = None
        self._images: list[dict[str, Any]] = []

    def save(self, result: Any, name: str) -> Written:
        """Write the files of one image."""
        kinds = self.saving.kinds
        files: list[Path] = []
        plain = hasattr(result, "logits")
        picture = None
        if {"overlay", "montage"} & set(kinds):
            how = {"legend": self.saving.legend, "background": self.saving.background} if plain else {}
            picture = result.overlay(**how)
        if not plain and "labels" in kinds:
            files += result.save_labels(self.folder, name)
        if "overlay" in kinds and picture is not None:
            files.append(self._png(f"{name}_overlay.png", picture[..., ::-1]))
        regions: list[dict[str, Any]] = []
        if plain:
            files += self._plain_files(result, name)
            if "polygons-coco" in kinds:
                found = result.polygons(least_area=self.saving.least_area)
                regions = [coco_annotation(one) for one in found]
        shown = ""
        if picture is not None and "montage" in kinds and self._shown < MOST_SHOWN:
            shown = embedded(result.image, 320) + embedded(picture, 320)
        size = (result.image.shape[0], result.image.shape[1])
        return Written(name, result.path, files, size, result.shares(), shown, regions)

    def _plain_files(self, result: Any, name: str) -> list[Path]:
        """What a result of one class per pixel gives, but for overlays."""
        files = []
        for kind in self.saving.kinds:
            if kind == "labels":
                files.append(self._png(f"{name}.png", result.stored_labels()))
            elif kind == "color":
                files.append(self._png(f"{name}_color.png", result.color()[..., ::-1]))
            elif kind in ("confidence", "entropy"):
                values = getattr(result, kind) / (1.0 if kind == "confidence" else np.log(max(len(result.classes), 2)))
                levels = np.rint(np.clip(values, 0, 1) * 65535).astype(np.uint16)
                files.append(self._png(f"{name}_{kind}.png", levels))
            elif kind.startswith("probabilities"):
                path = self.folder / (f"{name}_probabilities{'_uint8' if kind.endswith('uint8') else ''}.npy")
                result.shares_by_pixel.write(path, "uint8" if kind.endswith("uint8") else "float16")
                files.append(path)
            elif kind == "polygons-geojson":
                found = result.polygons(least_area=self.saving.least_area, background=True)
                files.append(self._text(f"{name}.geojson", json.dumps(geojson(found))))
            elif kind == "polygons-labelme":
                files.append(self._labelme(result, name))
        return files

    def _labelme(self, result: Any, name: str) -> Path:
        """Outer borders, large ones first: drawn in this order, what lies in a hole is drawn over it."""
        suffix = result.path.suffix if result.path else ".png"
        labels, void = result.labels, 65535 if len(result.classes) > 255 else 255
        if self.saving.least_area > 1:
            labels = np.full_like(labels, void)
            for one in result.polygons(least_area=self.saving.least_area, background=True):
                polygon(one.rings, labels.shape).paint(labels, one.label)
        LabelmeWriter(self.folder, {"classes": result.classes}, void).add(LabelMap(f"{name}{suffix}", labels))
        return (self.folder / f"{name}{suffix}").with_suffix(".json")

    def _png(self, name: str, picture: np.ndarray) -> Path:
        write_png(self.folder / name, picture)
        return self.folder / name

    def _text(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def note(self, one: Written) -> None:
        """Add an image to the files that hold all of them; what is for these only is let go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.count += 1
        if "share" in self.saving.kinds:
            self._add_shares(one)
        if one.shown and self._shown < MOST_SHOWN:
            self._add_shown(one)
        if "polygons-coco" in self.saving.kinds:
            self._add_regions(one)
        one.shown, one.regions = "", []

    def _add_shares(self, one: Written) -> None:
        columns = list(one.covered) if self.classes is None else list(self.classes)
        if self._table is None:
            self._table = (self.folder / "shares.csv").open("w", encoding="utf-8", newline="")
            header = ["image", "class", "share"] if self.classes is None else ["image", *columns]
            csv.writer(self._table).writerow(header)
        table = csv.writer(self._table)
        if self.classes is None:
            table.writerows([one.name, name, f"{share:.6f}"] for name, share in one.covered.items())
        else:
            table.writerow([one.name, *(f"{one.covered.get(name, 0.0):.6f}" for name in columns)])

    def _add_regions(self, one: Written) -> None:
        """The annotations are written at once, the images, which are few words each, at the end."""
        if self._coco is None:
            self._coco = (self.folder / "polygons.json").open("w", encoding="utf-8")
            self._coco.write('{"annotations": [')
        file = one.path.name if one.path else f"{one.name}.png"
        self._images.append({"id": self.count, "file_name": file, "height": one.size[0], "width": one.size[1]})
        for region in one.regions:
            self._regions += 1
            text = json.dumps({"id": self._regions, "image_id": self.count} | region)
            self._coco.write(f"{',' if self._regions > 1 else ''}\n{text}")

    def _add_shown(self, one: Written) -> None:
        if self._page is None:
            self._page = (self.folder / "montage.html").open("w", encoding="utf-8")
            self._page.write(_HEAD)
        self._shown += 1
        words = ", ".join(f"{name} {share:.0%}" for name, share in list(one.covered.items())[:5])
        caption = f"<b>{html.escape(one.name)}</b> {html.escape(words)}"
        self._page.write(f"<figure>{one.shown}<figcaption>{caption}</figcaption></figure>\n")

    def close(self) -> None:
        """Finish the files that hold all images; after an interruption, those that were done."""
        if self._table is not None:
            self._table.close()
        if self._page is not None:
            left = self.count - self._shown
            self._page.write(f"<p>{left} more images are not shown.</p>\n" if left > 0 else "")
            self._page.write("</main></body></html>\n")
            self._page.close()
        if self._coco is not None:
            categories = [{"id": i, "name": name} for i, name in enumerate(self.classes or (), 1)]
            self._coco.write(f'],\n"images": {json.dumps(self._images)},\n"categories": {json.dumps(categories)}}}\n')
            self._coco.close()


_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Predictions</title><style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 20px; padding: 24px; }
figure { margin: 0; } img { width: 49%; margin-right: 1%; border-radius: 6px; vertical-align: top; }
figcaption { overflow-wrap: anywhere; opacity: .85; }
</style></head><body><main>
"""
