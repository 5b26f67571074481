"""Between a predictor and its exported files: what they are compared on, and a predictor made of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.checkpoints.fingerprint import fingerprint
from segue.config import Config
from segue.errors import InputError, SegueError
from segue.export.certificate import text_of
from segue.export.compare import LIMITS, Comparison, compare
from segue.export.graph import Graph, threshold_of
from segue.export.make import Case, Exported, Options, export_model, fed, fits, model_logits
from segue.export.pictures import picture
from segue.export.runtime import RuntimeModel
from segue.export.session import open_session
from segue.export.verify import Verdict, described, verify_file
from segue.inference.ensemble import Ensemble
from segue.inference.inputs import find_images, fitted
from segue.inference.predictor import Predictor, pipeline_node, through
from segue.inference.views import crop_of, without_annotations
from segue.models.seg_data_preprocessor import is_house
from segue.recipes.open import read_config
from segue.types import SegSample

MOST = 8  # of the user's images
SMALL = (97, 131)  # of the gold image, which travels with the file


def export(
    predictor: Predictor,
    target: str,
    out: str | Path,
    *,
    images: Sequence[str | Path] = (),
    size: tuple[int, int] | None = None,
    options: Options | None = None,
) -> Exported:
    """Write a model for another runtime, run both, and keep the file under its name only if they agree.

    Args:
        predictor: the model with its pipeline, on the processor.
        target: ``onnx``, ``openvino`` or ``torch``.
        out: the file.
        images: files and folders to compare on, besides generated images; the first eight are taken.
        size: (H, W) of the network's input that is traced and, with ``options.static``, fixed; by default that of the
            first image, or of the config's crops, or 512 x 512.
        options: how to export.

    Raises:
        InputError, MissingExtraError: it cannot be exported.
    """
    options = options or Options()
    check_describable(predictor.model)
    own = [user_case(predictor, path) for path in find_images(images)[:MOST]] if images else []
    if size is None:
        size = own_size(predictor, own)
    cases = [*generated_cases(predictor, size), *own]
    return export_model(predictor.model, target, Path(out), cases, facts_of(predictor), options)


def check_describable(model: Any) -> None:
    """Raise InputError for a model whose prediction or preparation is more than a file and its certificate say."""
    if isinstance(model, Ensemble):
        raise InputError("several models do not go into one file: export each, and name the files to segue predict")
    if isinstance(model, RuntimeModel):
        raise InputError("this is an exported file already: give the config and the checkpoint that it was made of")
    kind, seen = type(model).__name__, getattr(model, "whole_or_slide", None) is not None
    if getattr(model, "label_maps", None) is not None or (seen and not getattr(model, "sees_alone", False)):
        raise InputError(
            f"{kind} predicts in its own way (a predict, inference or postprocess_result of its own), which a file "
            "would not do; put what belongs to the network into encode_decode, or export the same weights with "
            "model.type='EncoderDecoder'"
        )
    if not is_house(model.data_preprocessor):
        own = type(model.data_preprocessor)
        raise InputError(
            f"the data_preprocessor is {own.__module__}.{own.__qualname__}, which a certificate cannot describe; "
            "export with SegDataPreProcessor, and do in the test pipeline what yours does more"
        )


def own_size(predictor: Predictor, own: Sequence[Case]) -> tuple[int, int]:
    """(H, W) that the network sees most."""
    test: Any = predictor.model.test
    if test.mode == "slide":
        return test.pair("crop_size")  # type: ignore[no-any-return]
    if own:
        return (own[0].images.shape[-2], own[0].images.shape[-1])
    return crop_of(predictor.cfg)


def generated_cases(predictor: Predictor, size: tuple[int, int]) -> list[Case]:
    """Images that look like images: at the size, at two odd ones, at a small one, and two of them at once."""
    height, width = size
    sizes = [(height, width), (height + 33 | 1, width * 3 // 4 | 1), (height * 3 // 4 | 1, width + 17 | 1)]
    if min(size) > max(SMALL):
        sizes.append(SMALL)
    cases = []
    for index, (high, wide) in enumerate(sizes):
        cases.append(prepared(predictor, f"generated, {high} x {wide}", [drawn(predictor, high, wide, index)]))
    pair = [drawn(predictor, height, width, seed) for seed in (3, 4)]
    return [*cases, prepared(predictor, f"generated, 2 of {height} x {width}", pair)]


def drawn(predictor: Predictor, height: int, width: int, seed: int) -> torch.Tensor:
    """A generated image (C, H, W) on the scale of the model's files: uint8; of others float32, around the mean that it
    subtracts, where it has one.
    """
    image = torch.from_numpy(picture(height, width, predictor.expected.channels, seed).transpose(2, 0, 1).copy())
    prepare: Any = predictor.model.data_preprocessor
    if predictor.expected.eight_bits or prepare.mean.numel() not in (1, len(image)):
        return image
    mean, std = (part.flip(0) if prepare.swap and len(image) == 3 else part for part in (prepare.mean, prepare.std))
    drawn_image: torch.Tensor = (mean + (image.float() - 127.5) / 64 * std).round()
    return drawn_image


def user_case(predictor: Predictor, path: Path) -> Case:
    """An image file through the model's own pipeline."""
    array = fitted(predictor.read({"img_path": str(path)})["img"], predictor.expected, str(path))
    return prepared(predictor, str(path), [through(predictor.steps, array, path)["inputs"]])


def prepared(predictor: Predictor, name: str, images: Sequence[torch.Tensor]) -> Case:
    """Images (C, H, W) as the pipeline leaves them, with the network's input."""
    batch = {"inputs": list(images), "data_samples": [SegSample() for _ in images]}
    inputs, _ = predictor.model.data_preprocessor(batch, training=False)  # type: ignore[operator]
    return Case(name, torch.stack(list(images)), inputs)


def facts_of(predictor: Predictor) -> dict[str, Any]:
    """What a certificate says of a model, its classes and its preprocessing."""
    cfg = predictor.cfg
    model: Any = predictor.model
    text = cfg.pretty_text if isinstance(cfg, Config) else Config(cfg).pretty_text
    test = model.test
    windows = {key: getattr(test, key) for key in ("crop_size", "stride", "even")}
    windows = {key: list(value) if isinstance(value, (list, tuple)) else value for key, value in windows.items()}
    return {
        "classes": list(predictor.classes),
        "classes_sha256": text_of(predictor.classes),
        "palette": [[int(part) for part in color] for color in predictor.palette],
        "config": text,
        "weights": fingerprint(model.state_dict()),
        "preprocessing": described(model.data_preprocessor, test_steps(cfg)),
        "test": {"mode": test.mode, **windows},
    }


def test_steps(cfg: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of the test pipeline that concern images, as JSON can hold them."""
    from segue.checkpoints.notes import plain

    return [plain(dict(step)) for step in without_annotations(pipeline_node(cfg)[1] or [])]


def load_exported(
    path: str | Path,
    cfg_options: Sequence[str] = (),
    *,
    device: str = "cpu",
    trust: bool = False,
    config: str | Path | Config | Mapping[str, Any] | None = None,
) -> Predictor:
    """A predictor that runs an exported file, with the pipeline of ``config``, or else of its certificate's.

    Raises:
        InputError: the file is refused, or another device than the processor is asked for.
    """
    if device != "cpu":
        raise InputError(f"device {device!r}: exported files run on the processor here; leave --device out")
    model = RuntimeModel(path, trust=trust)
    facts = model.certificate
    cfg: Any = Config.inside(facts["config"], path) if config is None else config
    if (
        config is None and not trust
    ):  # they are the model's, of which nothing is built; a step of the pipeline that needs them is named
        cfg.pop("custom_imports", None)
    cfg = read_config(cfg, cfg_options, trust=trust)
    return Predictor(model, cfg, facts["classes"], facts["palette"])


def verify(
    path: str | Path,
    runtime: str | None = None,
    predictor: Predictor | None = None,
    images: Sequence[str | Path] = (),
    *,
    trust: bool = False,
) -> tuple[Verdict, list[Comparison]]:
    """Whether a file still is its model: on the gold image it carries and, where the model is given, on images.

    Raises:
        InputError: images are given and no model to compare with; or the file cannot be read.
    """
    if images and predictor is None:
        raise InputError("--images needs the model to compare with: segue verify FILE MODEL CHECKPOINT --images ...")
    verdict = verify_file(path, runtime, trust=trust)
    if predictor is None or not verdict.checks[0][1]:
        return verdict, []
    model: Any = predictor.model
    from segue.export.certificate import certificate_of

    session = open_session(path, runtime, trust=trust)
    facts = certificate_of(Path(path), session.notes)
    session.compute(facts["precision"])
    state = fingerprint(model.state_dict())
    same = state == facts["weights"]
    said = "the certificate's" if same else f"the model has {state}, the certificate {facts['weights']}"
    verdict.checks.append(("weights", same, said))
    named = tuple(facts["classes"]) == predictor.classes
    verdict.checks.append(("classes", named, "the model's" if named else "other names, or another order"))
    now = described(model.data_preprocessor, test_steps(predictor.cfg))
    prepared_alike = {**now, "pipeline": 0} == {**facts["preprocessing"], "pipeline": 0}
    verdict.checks.append(("preprocessing", prepared_alike, "the model's" if prepared_alike else "not the model's"))
    graph = Graph(model, facts["input"]["uint8"], facts["output"] == "labels", facts["output"] == "coarse")
    own = [user_case(predictor, file) for file in find_images(images)[:MOST]] if images else []
    compared = []
    for case in own or generated_cases(predictor, own_size(predictor, own)):
        given = fed(graph, case)
        if fits(session.shape, given.shape):
            compared.append(_compared(graph, session, case, given.numpy(), facts))
    verdict.checks += [(one.name, not one.wrong, one.wrong or _said(one)) for one in compared]
    return verdict, compared


def _compared(graph: Graph, session: Any, case: Case, given: np.ndarray, facts: Mapping[str, Any]) -> Comparison:
    limits = LIMITS[facts["precision"]]
    try:
        found = session.run(given)
    except SegueError as error:
        return Comparison(case.name, given.shape, None, None, limits.difference, 0.0, 0.0, str(error))
    return compare(case.name, given.shape, model_logits(graph, case.inputs), found, limits, threshold_of(graph.model))


def _said(one: Comparison) -> str:
    far = "" if one.largest is None else f"logits differ by {one.largest:.2g} at most, "
    return f"{far}{one.agreement:.2%} of the labels agree, {one.near_ties:.2%} near-ties apart"
