"""What a model predicts of one image: labels, and what can be made of them and of the logits behind them."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segue.errors import MissingExtraError
from segue.images.read import write_png
from segue.inference.outlined import Polygon, polygons_of
from segue.inference.probabilities import Probabilities, missing

BACKGROUNDS = ("background", "_background_", "bg")


@dataclass
class Prediction:
    """The labels of one image.

    Attributes:
        labels: (H, W) int64, class ids, at the image's own size.
        classes: name of each id.
        palette: [red, green, blue] of each id.
        image: (H, W, 3) uint8, RGB.
        path: the file it was read from, if any.
        name: what files of it are called; empty for the path's.
        logits: what probabilities are made of, held at the network's resolution: for a model that decides at a quarter
            of the image's, K / 4 bytes per pixel.
    """

    labels: np.ndarray
    classes: tuple[str, ...]
    palette: list[list[int]]
    image: np.ndarray
    path: Path | None = None
    name: str = ""
    logits: Probabilities | None = field(default=None, repr=False, compare=False)

    @property
    def shares_by_pixel(self) -> Probabilities:
        """Probabilities by bands of rows.

        Raises:
            InputError: the prediction has none.
        """
        if self.logits is None:
            raise missing()
        return self.logits

    @property
    def probabilities(self) -> np.ndarray:
        """(K, H, W) float32, which sum to 1 in each pixel; made anew each time: 4 K bytes per pixel.

        Raises:
            InputError: the prediction has none.
        """
        return self.shares_by_pixel.whole()

    @property
    def confidence(self) -> np.ndarray:
        """(H, W) float32, the probability of the likeliest class."""
        return self.shares_by_pixel.confidence()

    @property
    def entropy(self) -> np.ndarray:
        """(H, W) float32 in nats: 0 where the model is certain, ln K where all classes are as likely."""
        return self.shares_by_pixel.entropy()

    def polygons(self, *, least_area: int = 1, background: bool = False) -> list[Polygon]:
        """The regions with their holes; those of a class named background only with ``background``.

        Args:
            least_area: regions of fewer pixels are left out.
            background: whether a class named background has regions, too.
        """
        skip = () if background else self._backgrounds()
        return list(polygons_of(self.labels, self.classes, least_area=least_area, skip=skip))

    def overlay(self, alpha: float = 0.5, *, legend: bool = False, background: bool = False) -> np.ndarray:
        """The image, tinted by class: (H, W, 3) uint8, RGB.

        Args:
            alpha: strength of the tint, 0 to 1.
            legend: add a strip below with the names of the classes that occur, which makes the picture higher.
            background: draw a class named background in its color like all others, black as a rule; otherwise it
                stays as it is.
        """
        from segue.report.draw import legend as strip_of
        from segue.report.draw import overlay

        untouched = [] if background else self._backgrounds()
        picture = overlay(self.image, self.labels, self.palette, alpha, skip=untouched)
        if not legend:
            return picture
        shown = [i for i in np.unique(self.labels).tolist() if i not in untouched and 0 <= i < len(self.classes)]
        width = picture.shape[1]
        if not shown:
            return picture
        strip = strip_of([self.classes[i] for i in shown], [self.palette[i] for i in shown], width)
        return np.concatenate([picture, strip[:, :width]])

    def color(self) -> np.ndarray:
        """Each class as its color: (H, W, 3) uint8, RGB; what is no class is black."""
        from segue.report.draw import colorize

        return colorize(self.labels, self.palette)

    def _backgrounds(self) -> list[int]:
        return [i for i, name in enumerate(self.classes) if name.lower() in BACKGROUNDS]

    @property
    def masks(self) -> np.ndarray:
        """(K, H, W) bool, where each class is."""
        masks: np.ndarray = self.labels == np.arange(len(self.classes))[:, None, None]
        return masks

    def save(self, folder: str | Path, name: str | None = None) -> tuple[Path, Path]:
        """Write ``NAME.png`` (labels, 8 or 16 bits) and ``NAME_overlay.png`` into ``folder``; returns both paths."""
        folder = Path(folder)
        name = name or self.name or (self.path.stem if self.path else "image")
        paths = folder / f"{name}.png", folder / f"{name}_overlay.png"
        write_png(paths[0], self.stored_labels())
        write_png(paths[1], self.overlay()[..., ::-1])
        return paths

    def stored_labels(self) -> np.ndarray:
        """(H, W) as files hold them: uint8, or uint16 of more than 256 classes."""
        return self.labels.astype(np.uint8 if len(self.classes) <= 256 else np.uint16)

    def shares(self) -> dict[str, float]:
        """Share of the image's pixels that each class covers, largest first; classes that do not occur are left out."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.classes)) / self.labels.size
        return {self.classes[i]: float(counts[i]) for i in np.argsort(-counts, kind="stable") if counts[i] > 0}

    def plot(self) -> Any:
        """The image beside its overlay with a legend, as a figure of matplotlib.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingExtraError(
                "matplotlib", purpose="Prediction.plot()", remedy="pip install matplotlib"
            ) from error
        figure = Figure(figsize=(12, 6), layout="constrained")
        for axes, title, picture in zip(
            figure.subplots(1, 2),
            (self._title(), "predicted"),
            (self.image, self.overlay(legend=True)),
            strict=True,
        ):
            axes.imshow(picture)
            axes.set_title(title)
            axes.set_axis_off()
        return figure

    def _title(self) -> str:
        return self.name or (self.path.name if self.path else "image")

    def _repr_html_(self) -> str:
        """What a notebook shows: the overlay with its legend, and what covers the image."""
        picture = embedded(self.overlay(legend=True), 960)
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{share:.1%}</td></tr>" for name, share in self.shares().items()
        )
        return f"<figure>{picture}<figcaption>{html.escape(self._title())}</figcaption></figure><table>{rows}</table>"


def embedded(picture: np.ndarray, widest: int) -> str:
    """An ``img`` of HTML with a picture (H, W, 3) RGB inside, as JPEG of ``widest`` pixels at most."""
    factor = min(1.0, widest / max(picture.shape[:2]))
    if factor < 1:
        size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 88])
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}">'
