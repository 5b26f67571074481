"""An int8 file with what it loses: agreement with the model and, where labels are given, mIoU before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import InputError
from segue.export.certificate import as_text, sealed
from segue.export.compare import LIMITS, Comparison, compare, decision
from segue.export.graph import Graph, threshold_of
from segue.export.int8 import quantizer
from segue.export.make import (
    SUFFIX,
    Case,
    Exported,
    Options,
    export_model,
    fed,
    fits,
    gold_of,
    model_logits,
    placed,
)
from segue.export.onnx import graph_hash
from segue.export.openvino import weights_hash
from segue.export.place import checked
from segue.export.sensitive import Measured, keep_sensitive
from segue.export.session import Session, open_session
from segue.export.targets import suffix_of

RANKED = 2  # images on which layers are ranked
UNKNOWN = -1  # of a pixel without a label; with more than 255 classes 255 is one of them


@dataclass(frozen=True)
class Truth:
    """An image with its labels.

    Attributes:
        case: the image.
        labels: (H, W) class ids at the size of the network's input, UNKNOWN where there is none; None where not given.
    """

    case: Case
    labels: np.ndarray | None


@dataclass(frozen=True)
class Calibration:
    """How to make an int8 file.

    Attributes:
        feeds: cases whose inputs set the ranges.
        checks: images to measure the loss on.
        most: largest loss: points of mIoU where labels are given, else percent of the pixels with another label.
    """

    feeds: Sequence[Case]
    checks: Sequence[Truth]
    most: float


def export_int8(
    model: Any,
    target: str,
    out: Path,
    cases: Sequence[Case],
    facts: Mapping[str, Any],
    options: Options,
    how: Calibration,
) -> Exported:
    """Export in float32, round what may be rounded to int8, and write what that loses into the certificate.

    Args:
        model, target, out, cases, facts, options: of `segue.export.make.export_model`.
        how: images and limit.

    Raises:
        InputError: it cannot be exported, or the options contradict int8.
        MissingExtraError: a package is missing.
    """
    if options.half or options.labels_out:
        raise InputError("--int8: not with --fp16 or --labels-out; the certificate compares logits")
    if suffix_of(out) != SUFFIX.get(target):
        raise InputError(f"--out {out}: a file of {target} ends in {SUFFIX.get(target)}")
    if getattr(model, "predicts_depth", False) or getattr(model.head, "multilabel", False):
        raise InputError(
            "--int8: what it loses is counted in labels, and this model gives depth, or several labels a pixel"
        )
    graph = Graph(model, options.uint8_input, False).eval()
    with checked(out) as folder:
        whole = export_model(model, target, folder / f"whole{SUFFIX[target]}", cases, facts, options)
        if not whole.good:
            return placed(whole, out)
        shape = open_session(whole.file).shape
        feeds = [fed(graph, case) for case in how.feeds]
        taken = [feed.numpy() for feed in feeds if fits(shape, feed.shape)]
        if not taken:
            why = "".join(f" ({one})" for one in whole.certificate["input"]["lost"])
            raise InputError(f"--calibrate: the file takes {_said(shape)}{why}, and no image fits; give --size")
        maker = quantizer(target, whole.file, taken, folder)
        checks = [one for one in how.checks if fits(shape, fed(graph, one.case).shape)]
        before = [model_logits(graph, one.case.inputs) for one in checks]
        meter = _Meter(graph, checks, before)
        made = folder / f"made{SUFFIX[target]}"
        search = keep_sensitive(maker, made, meter.of, how.most)
        session = open_session(made)
        found, compared = meter.facts(session), meter.compared(session)
        compared += _other_sizes(graph, session, cases)
        reasons = [f"{one.name}: {one.wrong}" for one in compared if one.wrong]
        if found["loss"] > how.most:
            reasons.append(f"{found['loss']:.3g} {found['unit']} are lost, more than {how.most:g}")
        found |= {"most": how.most, "calibrated_on": [case.name for case in how.feeds], "kept_in_float": search.kept}
        found |= {"layers": len(maker.layers), "cost": search.cost, "tried": search.tried}
        certificate = _certificate(whole.certificate, found, compared, reasons)
        gold = min((case for case in cases if len(case.inputs) == 1), key=lambda case: case.inputs.numel())
        if fits(session.shape, fed(graph, gold).shape):
            own = session.run(fed(graph, gold).numpy())
            certificate["gold"] = gold_of(graph, gold, threshold_of(model), (), own).facts()
        certificate["graph_sha256"] = graph_hash(made) if target == "onnx" else weights_hash(made)
        del session
        certificate = sealed(certificate)
        maker.finish(made, as_text(certificate))
        return placed(Exported(made, certificate, made, compared, whole.skipped), out)


class _Meter:
    """What files lose on some images."""

    def __init__(self, graph: Graph, checks: Sequence[Truth], before: Sequence[np.ndarray]) -> None:
        self.graph, self.checks, self.before = graph, checks, before
        self.threshold, self.classes = threshold_of(graph.model), max(graph.model.num_classes, 2)

    def of(self, path: Path) -> Measured:
        """Of a file that is being tried."""
        session = open_session(path)
        errors = []
        for one, wanted in zip(self.checks[:RANKED], self.before, strict=False):
            far = session.run(fed(self.graph, one.case).numpy()) - wanted
            errors.append(float(np.sqrt((far**2).mean()) / max(np.sqrt((wanted**2).mean()), 1e-12)))
        return Measured(self.facts(session)["loss"], max(errors, default=0.0))

    def facts(self, session: Session) -> dict[str, Any]:
        """Agreement and, with labels, IoU before and after; in all and by class."""
        alike = np.zeros((self.classes, 2), np.int64)  # of the model's pixels of a class: with the same label, in all
        tables = [np.zeros((self.classes, self.classes), np.int64) for _ in range(2)]
        labeled = False
        for one, wanted in zip(self.checks, self.before, strict=True):
            found = session.run(fed(self.graph, one.case).numpy())
            right, own = self._labels(wanted), self._labels(found)
            for label in range(self.classes):
                there = right == label
                alike[label] += (int((own == label)[there].sum()), int(there.sum()))
            if one.labels is not None:
                labeled = True
                for table, labels in zip(tables, (right, own), strict=True):
                    _count(table, one.labels, labels)
        agreement = float(alike[:, 0].sum() / max(alike[:, 1].sum(), 1))
        by_class = [float(same / count) if count else None for same, count in alike]
        found_all: dict[str, Any] = {"images": len(self.checks), "agreement": agreement, "agreement_by_class": by_class}
        found_all |= {"loss": 100 * (1 - agreement), "unit": "% of the labels"}
        if labeled:
            (before, each), (after, others) = (_iou(table) for table in tables)
            found_all |= {
                "mIoU": [before, after],
                "IoU_by_class": [list(pair) for pair in zip(each, others, strict=True)],
            }
            found_all |= {"loss": before - after, "unit": "points of mIoU"}
        return found_all

    def compared(self, session: Session) -> list[Comparison]:
        """Each image with the model, where only what cannot be is wrong."""
        pairs = zip(self.checks, self.before, strict=True)
        return [_loose(self.graph, session, one.case, wanted) for one, wanted in pairs]

    def _labels(self, logits: np.ndarray) -> np.ndarray:
        labels: np.ndarray = decision(logits, self.threshold)[0][0]
        return labels[0].astype(np.int64) if labels.ndim == 3 else labels  # a binary head's


def _loose(graph: Graph, session: Session, case: Case, wanted: np.ndarray) -> Comparison:
    """A comparison in which rounding is no mistake."""
    images = fed(graph, case)
    try:
        found = session.run(images.numpy())
    except InputError as error:
        return Comparison(case.name, tuple(images.shape), None, None, 0.0, 0.0, 0.0, str(error)[:300])
    one = compare(case.name, tuple(images.shape), wanted, found, LIMITS["int8"], threshold_of(graph.model))
    return one if one.largest is None else replace(one, wrong="")


def _other_sizes(graph: Graph, session: Session, cases: Sequence[Case]) -> list[Comparison]:
    """The sizes and batches that the float file was compared at, which the int8 file must run at as well."""
    found = []
    for case in cases:
        if fits(session.shape, fed(graph, case).shape):
            try:
                wanted = model_logits(graph, case.inputs)
            except (RuntimeError, ValueError):
                continue  # the model itself does not take it
            found.append(_loose(graph, session, case, wanted))
    return found


def _certificate(
    whole: Mapping[str, Any], found: Mapping[str, Any], compared: Sequence[Comparison], reasons: Sequence[str]
) -> dict[str, Any]:
    """Of the int8 file, from that of the float file."""
    facts = {key: value for key, value in whole.items() if key not in ("seal", "file_sha256")}
    facts |= {"precision": "int8", "verdict": "refused" if reasons else "certified", "reasons": list(reasons)}
    facts |= {"cases": [one.facts() for one in compared], "int8": dict(found), "first_diverging": None}
    return facts | {"limits": asdict(LIMITS["int8"]) | {"layers": 0.0}}


def _count(table: np.ndarray, truth: np.ndarray, labels: np.ndarray) -> None:
    """Add pairs of labels, (K, K), rows for the truth."""
    known = truth != UNKNOWN
    height, width = truth.shape
    pairs = truth[known].astype(np.int64) * len(table) + labels[:height, :width][known]
    table += np.bincount(pairs, minlength=table.size).reshape(table.shape)


def _iou(table: np.ndarray) -> tuple[float, list[float | None]]:
    """Mean IoU in percent over the classes that are there, and each one's."""
    both = np.diag(table)
    either = table.sum(0) + table.sum(1) - both
    each = [100 * float(own / total) if total else None for own, total in zip(both, either, strict=True)]
    there = [value for value in each if value is not None]
    return sum(there) / max(len(there), 1), each


def _said(shape: Sequence[int | None]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)
