"""Export a model, run the file beside it, and keep the file under its name only if it is the model."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segue.errors import InputError
from segue.export.certificate import FORM, Gold, as_text, sealed, some_places, write_beside
from segue.export.compare import LIMITS, Comparison, compare, decision
from segue.export.graph import Graph, Traced, threshold_of, trace
from segue.export.layers import (
    NOISE,
    Divergence,
    Pair,
    first_divergence,
    marks,
    pairs_of,
    reached,
    recorded,
    values_by_layer,
)
from segue.export.onnx import check_opset, graph_hash, put_notes, write_onnx
from segue.export.openvino import weights_hash, write_openvino
from segue.export.place import checked, moved
from segue.export.program import program_hash, write_program
from segue.export.session import Session, open_session
from segue.export.targets import suffix_of

SUFFIX = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2"}


@dataclass(frozen=True)
class Case:
    """An input to run a file and its model on.

    Attributes:
        name: of the image.
        images: (B, C, H, W) as the pipeline leaves them.
        inputs: (B, C, H', W') float32, normalized and padded.
    """

    name: str
    images: Tensor
    inputs: Tensor


@dataclass(frozen=True)
class Options:
    """How to export; see ``segue export``."""

    opset: int = 18
    half: bool = False
    static: bool = False
    uint8_input: bool = False
    labels_out: bool = False
    coarse_out: bool = False  # of the engines, see `segue.export.graph.Graph`
    brain: bool = False  # OpenVINO computes in bfloat16

    @property
    def precision(self) -> str:
        """Of the limits that hold."""
        return "float16" if self.half else "bfloat16" if self.brain else "float32"


@dataclass
class Exported:
    """What an export made.

    Attributes:
        file: where it lies; where it is refused, with ``.refused`` before the suffix.
        certificate: what was found.
        beside: the certificate's file.
        comparisons: of each case.
        skipped: cases that the file's fixed sizes leave out.
    """

    file: Path
    certificate: dict[str, Any]
    beside: Path
    comparisons: list[Comparison] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the file is the model."""
        return bool(self.certificate["verdict"] == "certified")


def export_model(
    model: Any, target: str, out: Path, cases: Sequence[Case], facts: Mapping[str, Any], options: Options
) -> Exported:
    """Write a file and its certificate.

    Args:
        model: the segmentor, in evaluation mode, on the processor.
        target: ``onnx``, ``openvino`` or ``torch``.
        out: the file.
        cases: the first is the example, of the model's own size; one must hold a single small image, which becomes
            the gold one.
        facts: of the certificate: classes, palette, config, preprocessing and hashes.
        options: how.

    Raises:
        InputError: it cannot be exported, or ``out`` has another suffix or cannot be written.
        MissingExtraError: a package is missing.
    """
    if suffix_of(out) != SUFFIX[target]:
        raise InputError(f"--out {out}: a file of {target} ends in {SUFFIX[target]}")
    check_opset(options.opset)
    graph = Graph(model, options.uint8_input, options.labels_out, options.coarse_out).eval()
    first = cases[0]
    example = torch.cat([fed(graph, first)] * 2)[:2]
    with checked(out) as folder:
        made = folder / f"made{SUFFIX[target]}"
        traced = trace(graph, fed(graph, first) if options.static else example, options.static)
        shown = traced.program.example_inputs[0][0]
        session: Any
        if target == "torch":
            write_program(traced.program, made)
            session, names = open_session(made, trust=True), {}  # made a moment ago
        else:
            onnx = folder / "made.onnx"
            write_onnx(traced, graph, shown, onnx, options.opset, options.half and target == "onnx")
            names = _names(onnx)
            if target == "openvino":
                write_openvino(onnx, made, options.half)
            session = open_session(made)
        session.compute(options.precision)
        certificate, comparisons, skipped = _certified(graph, session, cases, names, options)
        certificate |= _described(graph, traced, target, made, session, options) | dict(facts)
        certificate = sealed(certificate)
        if target == "onnx":
            put_notes(made, as_text(certificate))
        elif target == "torch":
            write_program(traced.program, made, as_text(certificate))
        elif target == "openvino":
            write_openvino(onnx, made, options.half, as_text(certificate))
        return placed(Exported(made, certificate, made, comparisons, skipped), out)


def placed(made: Exported, out: Path) -> Exported:
    """A file moved to ``out``, or beside it where it is not its model, with its certificate."""
    file = out if made.good else out.with_name(f"{out.stem}.refused{out.suffix}")
    moved(made.file, file)
    return replace(made, file=file, beside=write_beside(file, made.certificate))


def fed(graph: Graph, case: Case) -> Tensor:
    """What the graph takes of a case."""
    if not graph.uint8_input:
        return case.inputs
    if case.images.dtype != torch.uint8 or case.images.shape[1] != 3:
        raise InputError("--uint8-input: the model's pipeline gives no images of three 8-bit channels")
    return case.images[:, [2, 1, 0]].permute(0, 2, 3, 1).contiguous()  # files are read as BGR


def model_logits(graph: Graph, inputs: Tensor) -> np.ndarray:
    """The model's own logits (B, K, H, W) float32."""
    with torch.no_grad():
        return graph.logits(inputs).float().numpy()


def fits(shape: Sequence[int | None], given: Sequence[int]) -> bool:
    """Whether a file of this input shape takes an array of that one."""
    return len(shape) == len(given) and all(size in (None, own) for size, own in zip(shape, given, strict=True))


def _certified(
    graph: Graph, session: Session, cases: Sequence[Case], names: Mapping[str, str], options: Options
) -> tuple[dict[str, Any], list[Comparison], list[str]]:
    """The verdict, with what it rests on."""
    limits, threshold = LIMITS[options.precision], threshold_of(graph.model)
    compared, skipped, failed = [], [], None
    gold_case = None  # the smallest that the file and the model take
    for case in cases:
        images = fed(graph, case)
        if not fits(session.shape, images.shape):
            skipped.append(case.name)
            continue
        try:
            wanted = model_logits(graph, case.inputs)
        except (RuntimeError, ValueError) as error:
            skipped.append(f"{case.name} (the model itself: {str(error).splitlines()[0][:120]})")
            continue
        if gold_case is None or _length(case) < _length(gold_case):
            gold_case = case
        shape = tuple(images.shape)
        try:
            found = session.run(images.numpy())
        except InputError as error:
            one = Comparison(case.name, shape, None, None, limits.difference, 0.0, 0.0, str(error)[:300])
        else:
            one = compare(case.name, shape, wanted, found, limits, threshold)
        compared.append(one)
        failed = failed or (case if one.wrong else None)
    if gold_case is None:
        raise InputError(f"the model itself takes none of the images to compare on: {'; '.join(skipped)}")
    pairs, divergence = _walked(graph, session, failed or gold_case, names, options, failed is not None)
    reasons = [f"{one.name}: {one.wrong}" for one in compared if one.wrong]
    facts = {
        "verdict": "refused" if reasons else "certified",
        "reasons": reasons,
        "cases": [one.facts() for one in compared],
        "skipped": skipped,
        "first_diverging": asdict(divergence) if divergence else None,
        "limits": asdict(limits) | {"layers": NOISE[options.precision]},
        "gold": gold_of(graph, gold_case, threshold, () if failed else pairs).facts(),
    }
    return facts, compared, skipped


def _length(case: Case) -> tuple[int, int]:
    """Images, then numbers."""
    return len(case.inputs), case.inputs.numel()


def _walked(
    graph: Graph, session: Session, case: Case, names: Mapping[str, str], options: Options, failed: bool
) -> tuple[tuple[Pair, ...], Divergence | None]:
    """The layers that file and model share, and the first that differs if something did; of a good file, those that
    agree.
    """
    truth = recorded(graph.model, lambda: graph.logits(case.inputs))
    images = fed(graph, case)
    if not names or not fits(session.shape, images.shape):
        return (), None
    layers = [layer for layer in truth if layer in names]
    values, stop = reached(session, images.numpy(), [names[layer] for layer in layers])
    pairs = pairs_of(truth, names, values)
    noise = NOISE[options.precision]
    if failed:
        far = first_divergence(pairs, values, noise)
        if far is None and stop < len(layers):  # the runtime itself gives up there
            far = Divergence(layers[stop], layers[stop - 1] if stop else "the input", float("inf"))
        return tuple(pairs), far
    return tuple(pair for pair in pairs if first_divergence([pair], values, noise) is None), None


def gold_of(
    graph: Graph, case: Case, threshold: float | None, layers: Sequence[Pair], logits: np.ndarray | None = None
) -> Gold:
    """What a certificate keeps of a case: the model's logits, or those that are given."""
    logits = model_logits(graph, case.inputs[:1]) if logits is None else logits
    labels = decision(logits, threshold)[0][0]
    labels = labels if labels.dtype == bool else labels.astype("uint8" if graph.model.num_classes <= 256 else "uint16")
    places = some_places(*logits.shape[-2:])
    chosen = logits[0].reshape(logits.shape[1], -1)[:, places]
    return Gold(case.images[:1].numpy(), marks(case.inputs[:1].numpy()), labels, places, chosen, tuple(layers))


def _described(
    graph: Graph, traced: Traced, target: str, made: Path, session: Session, options: Options
) -> dict[str, Any]:
    """What the file is."""
    from segue.version import __version__

    versions = {"segue": __version__, "torch": torch.__version__, "runtime": session.version}
    versions |= {"python": platform.python_version(), "machine": platform.machine()}
    hashed = {"onnx": graph_hash, "openvino": weights_hash, "torch": program_hash}[target](made)
    head = graph.model.head
    return {
        "form": FORM,
        "target": target,
        "precision": options.precision,
        "opset": options.opset,
        "input": {"uint8": graph.uint8_input, "shape": list(session.shape), "free": traced.free, "lost": traced.lost},
        "output": graph.gives,
        "decides": {
            "threshold": threshold_of(graph.model),
            "multilabel": bool(getattr(head, "multilabel", False)),
            "align_corners": bool(head.align_corners),
            "depth": bool(getattr(graph.model, "predicts_depth", False)),
        },
        "versions": versions,
        "graph_sha256": hashed,
    }


def _names(onnx_file: Path) -> dict[str, str]:
    import onnx

    return values_by_layer(onnx.load(str(onnx_file)))
