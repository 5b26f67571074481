"""What a file of an exported model says of itself, and how it was found to be the model.

The certificate is JSON, within the file and beside it (``FILE.json``). Its ``seal`` is the hash of everything else in
it, so that an edit shows; it is no signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import InputError
from segue.export.form import misformed
from segue.export.layers import PROJECTIONS, Pair
from segue.export.place import said
from segue.system.replaced import replaced

FORM = 1  # of the certificate
POINTS = 256  # pixels whose logits are kept
LARGEST = 1 << 26  # bytes of an array of a certificate that is read
NEEDED = {"classes", "config", "decides", "gold", "graph_sha256", "input", "limits", "output", "palette", "precision"}
NEEDED |= {"preprocessing", "reasons", "seal", "target", "test", "verdict", "weights"}


@dataclass(frozen=True)
class Gold:
    """An image and what the model makes of it, small enough to travel with the file.

    Attributes:
        image: (1, C, H, W) as the pipeline leaves it, before normalization.
        inputs: marks of the network's input.
        labels: (H, W), or (K, H, W) bool where a pixel may have several classes.
        places: indices of some pixels, row by row.
        logits: (K, places) at these.
        layers: the model's values on the way.
    """

    image: np.ndarray
    inputs: tuple[float, ...]
    labels: np.ndarray
    places: np.ndarray
    logits: np.ndarray
    layers: tuple[Pair, ...]

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        arrays = {name: packed(getattr(self, name)) for name in ("image", "labels", "places", "logits")}
        return arrays | {"inputs": self.inputs, "layers": [list(asdict(pair).values()) for pair in self.layers]}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Gold:
        """From JSON."""
        arrays = {name: unpacked(facts[name]) for name in ("image", "labels", "places", "logits")}
        layers = tuple(Pair(str(layer), str(value), marks_of(numbers)) for layer, value, numbers in facts["layers"])
        gold = cls(**arrays, inputs=marks_of(facts["inputs"]), layers=layers)
        image, labels, places, logits = gold.image, gold.labels, gold.places, gold.logits
        points = labels.shape[-2] * labels.shape[-1] if labels.ndim in (2, 3) else 0
        kept = places.ndim == 1 and logits.ndim == 2 and logits.shape[1] == len(places) > 0
        if image.ndim != 4 or len(image) != 1 or not points or not kept:
            raise ValueError("arrays that do not belong together")
        if places.dtype.kind not in "iu" or places.min() < 0 or places.max() >= points or 0 in image.shape:
            raise ValueError("pixels that are not in the image")
        return gold


def marks_of(numbers: Any) -> tuple[float, ...]:
    """The numbers that `segue.export.layers.marks` makes of an array."""
    found = tuple(float(number) for number in numbers)
    if len(found) != PROJECTIONS + 1 or not found[0] > 0:
        raise ValueError("marks of no array")
    return found


def some_places(height: int, width: int) -> np.ndarray:
    """Indices of pixels spread over an image."""
    count = min(POINTS, height * width)
    return np.sort(np.random.default_rng(0).choice(height * width, count, replace=False)).astype(np.int32)


def packed(array: np.ndarray) -> dict[str, Any]:
    """An array as JSON: dtype, shape, and its bytes compressed."""
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def unpacked(facts: Mapping[str, Any]) -> np.ndarray:
    """The array again.

    Raises:
        ValueError: it is none, or larger than a certificate's are.
    """
    dtype, shape = np.dtype(facts["dtype"]), tuple(int(size) for size in facts["shape"])
    size = int(np.prod(shape)) * dtype.itemsize
    if dtype.kind not in "uifb" or size > LARGEST:
        raise ValueError(f"an array of {size:,} bytes and dtype {dtype}")
    decoder = zlib.decompressobj()
    data = decoder.decompress(base64.b64decode(facts["data"]), size + 1)
    if len(data) != size:
        raise ValueError("an array that is not as long as its shape says")
    return np.frombuffer(data, dtype).reshape(shape)


def sealed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with their seal."""
    kept = {key: value for key, value in facts.items() if key not in ("seal", "file_sha256")}
    return kept | {"seal": _seal(kept)}


def is_sealed(facts: Mapping[str, Any]) -> bool:
    """Whether nothing was changed since."""
    return facts.get("seal") == _seal({k: v for k, v in facts.items() if k not in ("seal", "file_sha256")})


def _seal(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(as_text(facts).encode()).hexdigest()


def as_text(facts: Mapping[str, Any]) -> str:
    """JSON in one line, keys sorted."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=True)


def beside(path: Path) -> Path:
    """Where the certificate of a file lies beside it."""
    return path.with_name(path.name + ".json")


def write_beside(path: Path, facts: Mapping[str, Any]) -> Path:
    """Write the certificate beside a file, with the file's hash."""
    whole = dict(facts) | {"file_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    with said(path), replaced(beside(path)) as part:
        part.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return beside(path)


def certificate_of(path: Path, notes: str | None) -> dict[str, Any]:
    """The certificate of a file: the one within, or else the one beside it.

    Args:
        path: the file.
        notes: what the runtime found within.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    if notes is None:
        if not beside(path).is_file():
            raise InputError(
                f"{path}: has no certificate, nor is {beside(path).name} beside it: its classes, colors and "
                "preprocessing are not known, nor whether it is a model of segmentation. Segue runs what segue export "
                "wrote; export the model from its checkpoint, or run this file with its own runtime"
            )
        notes = beside(path).read_text(encoding="utf-8")
    try:
        facts = json.loads(notes)
    except ValueError as error:
        raise InputError(f"{path}: its certificate is no JSON ({error})") from error
    if not isinstance(facts, dict) or facts.get("form") != FORM:
        raise InputError(f"{path}: its certificate is not of form {FORM}; export it again, or use a newer segue")
    if missing := sorted(NEEDED - set(facts)):
        raise InputError(f"{path}: its certificate lacks {', '.join(missing)}; export it again")
    if wrong := misformed(facts):
        raise InputError(f"{path}: its certificate is none that Segue writes: {wrong}; export the model again")
    return facts


def text_of(classes: Sequence[str]) -> str:
    """SHA-256 of the names of classes in their order."""
    return hashlib.sha256("\n".join(classes).encode()).hexdigest()
