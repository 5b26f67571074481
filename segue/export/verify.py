"""Whether a file still is the model that its certificate says, on this machine and under this runtime."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.export.certificate import Gold, beside, certificate_of, is_sealed
from segue.export.compare import LIMITS, Limits, compare, decision
from segue.export.layers import Divergence, apart, first_divergence
from segue.export.session import Session, open_session
from segue.export.targets import suffix_of
from segue.models.seg_data_preprocessor import PadOptions, SegDataPreProcessor
from segue.types import SegSample


@dataclass
class Verdict:
    """What was checked.

    Attributes:
        file: the file.
        checks: (what, whether it is right, what was found).
        divergence: the first layer that differs, if one does.
    """

    file: Path
    checks: list[tuple[str, bool, str]] = field(default_factory=list)
    divergence: Divergence | None = None

    @property
    def good(self) -> bool:
        """Whether everything is right."""
        return all(right for _, right, _ in self.checks)

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        checks = [{"what": what, "good": right, "found": found} for what, right, found in self.checks]
        far = asdict(self.divergence) if self.divergence else None
        return {"file": str(self.file), "good": self.good, "first_diverging": far, "checks": checks}


def verify_file(path: str | Path, runtime: str | None = None, *, trust: bool = False) -> Verdict:
    """Run a file on the gold image of its certificate; the model is not needed.

    Raises:
        InputError: the file or its certificate cannot be read.
        MissingExtraError: the runtime is not installed.
    """
    path = Path(path)
    session = open_session(path, runtime, trust=trust)
    facts = certificate_of(path, session.notes)
    session.compute(facts["precision"])
    verdict = Verdict(path)
    add = verdict.checks.append
    right = is_sealed(facts)
    add(("certificate", right, "as it was written" if right else "changed after it was written"))
    good = facts["verdict"] == "certified"
    add(("export", good, "certified" if good else f"refused: {'; '.join(facts['reasons'])[:200]}"))
    _check_beside(verdict, path, facts)
    _check_graph(verdict, path, facts)
    count = len(facts["classes"])
    try:
        gold = Gold.of(facts["gold"])
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        add(("gold image", False, f"cannot be read: {error!r:.200}"))
        return verdict
    if not _check_preparation(verdict, facts, gold):
        return verdict
    images = as_input(facts, gold.image)
    found = session.run(images)
    reason = _check_gold(facts, gold, found, count)
    add((f"gold image under {session.version}", not reason, reason or "the model's logits"))
    if reason:
        verdict.divergence = _first(session, facts, gold, images)
    return verdict


def _check_beside(verdict: Verdict, path: Path, facts: Mapping[str, Any]) -> None:
    """Whether a certificate beside a file is the one within; it may have been renamed with another file, or edited."""
    if not beside(path).is_file():
        return
    try:
        own = json.loads(beside(path).read_text(encoding="utf-8"))
        right = is_sealed(own) and own["seal"] == facts["seal"]
    except (ValueError, AttributeError, TypeError, KeyError):
        right = False
    said = "the one within" if right else "of another file, or changed; the one within the file counts"
    verdict.checks.append((beside(path).name, right, said))


def _check_graph(verdict: Verdict, path: Path, facts: Mapping[str, Any]) -> None:
    """The hash of the file without its certificate, and operators that runtimes disagree on."""
    from segue.export.onnx import disputed, graph_hash
    from segue.export.openvino import weights_hash
    from segue.export.program import program_hash

    if suffix_of(path) == ".xml":
        right = weights_hash(path) == facts["graph_sha256"]
    elif suffix_of(path) == ".pt2":
        right = program_hash(path) == facts["graph_sha256"]
    else:
        try:
            right = graph_hash(path) == facts["graph_sha256"]
        except ImportError:
            return
        if wrong := disputed(path):
            verdict.checks.append(("operators", False, "; ".join(wrong)))
    said = "the certificate's" if right else "another graph or other weights than the certificate's"
    verdict.checks.append(("hash", right, said))


def _check_preparation(verdict: Verdict, facts: Mapping[str, Any], gold: Gold) -> bool:
    """Whether the stated preparation makes the input that the model was given."""
    if facts["input"]["uint8"]:
        return True  # the file normalizes
    prepared = prepared_images(facts["preprocessing"], gold.image)
    far = apart(gold.inputs, prepared)
    right = far < 1e-5
    said = "mean, std and order as the model had them" if right else f"another input than the model's: by {far:.2g}"
    verdict.checks.append(("preparation", right, said))
    if not right:
        verdict.divergence = Divergence("preprocessing", "the image", far)
    return right


def _check_gold(facts: Mapping[str, Any], gold: Gold, found: np.ndarray, count: int) -> str:
    """What is wrong with the result on the gold image."""
    limits: Limits = LIMITS[facts["precision"]]
    threshold = facts["decides"]["threshold"]
    size = gold.labels.shape[-2:]
    if facts["output"] == "labels":
        if found.shape != (1, *size):
            return f"the shape of the result is {found.shape}, not {(1, *size)}"
        agreement = float((found[0] == gold.labels).mean())
        return "" if agreement >= limits.agreement else f"{agreement:.2%} of the labels agree"
    if found.shape != (1, gold.logits.shape[0], *size):
        return f"the shape of the result is {found.shape}, not {(1, gold.logits.shape[0], *size)}"
    one_for_two = threshold is not None and count == 2 and gold.logits.shape[0] == 1
    if not facts["decides"]["depth"] and count != gold.logits.shape[0] and not one_for_two:
        return f"{count} classes are named, the model has {gold.logits.shape[0]}"
    chosen = found[0].reshape(found.shape[1], -1)[:, gold.places]
    wanted = gold.logits
    one = compare("gold", size, wanted[None, :, None], chosen[None, :, None], limits, threshold)
    if one.wrong:
        return one.wrong
    labels, gap = decision(found, threshold)
    counted = gap[0] >= one.tolerance
    agreement = float((labels[0] == gold.labels)[counted].mean()) if counted.any() else 1.0
    return "" if agreement >= limits.agreement else f"{agreement:.2%} of the labels agree"


def _first(session: Session, facts: Mapping[str, Any], gold: Gold, images: np.ndarray) -> Divergence | None:
    values = session.values(images, [pair.value for pair in gold.layers])
    known = gold.layers
    return first_divergence(known, values, facts["limits"]["layers"])


def as_input(facts: Mapping[str, Any], image: np.ndarray) -> np.ndarray:
    """What a file takes of images (B, C, H, W) as the pipeline leaves them."""
    if facts["input"]["uint8"]:
        return np.ascontiguousarray(image[:, [2, 1, 0]].transpose(0, 2, 3, 1))
    return prepared_images(facts["preprocessing"], image)


def prepared_images(facts: Mapping[str, Any], images: np.ndarray) -> np.ndarray:
    """Images (B, C, H, W) normalized and padded as a certificate says."""
    prepare = preprocessor_of(facts)
    batch = {"inputs": [torch.from_numpy(image.copy()) for image in images]}
    inputs, _ = prepare({**batch, "data_samples": [SegSample(meta={}) for _ in images]}, training=False)
    return inputs.numpy()


def preprocessor_of(facts: Mapping[str, Any]) -> SegDataPreProcessor:
    """The preprocessor that a certificate describes."""
    pad = facts["padding"]
    return SegDataPreProcessor(
        mean=facts["mean"] or None,
        std=facts["std"] or None,
        bgr_to_rgb=facts["swap"],
        pad_val=facts["pad_val"],
        test=None if pad is None else PadOptions(size=pad["size"], size_divisor=pad["size_divisor"]),
    )


def described(prepare: SegDataPreProcessor, pipeline: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a certificate says of a preprocessor and the steps before it."""
    pad = prepare.test_padding
    size = None if pad is None or pad.size is None else [int(side) for side in pad.size]
    return {
        "pipeline": [dict(step) for step in pipeline],
        "mean": prepare.mean.flatten().tolist(),
        "std": prepare.std.flatten().tolist(),
        "swap": prepare.swap,
        "order": "RGB" if prepare.swap else "BGR",
        "pad_val": prepare.pad_val,
        "padding": None if pad is None else {"size": size, "size_divisor": pad.size_divisor},
    }
