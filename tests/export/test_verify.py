"""Twelve ways in which a file stops being its model: each is noticed, and the right layer is named as the first.

Each corruption is planted in a file that was certified. The hash of the graph tells most of them by itself, so what is
asserted is the check of results (or of the preparation), as it would be for a file with a fitting hash.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.export.certificate import as_text, sealed
from segue.export.verify import Verdict, verify_file
from tests.export.extras import need

onnx = pytest.importorskip("onnx", reason="the extra export is not installed: no onnx")
pytest.importorskip("onnxruntime", reason="the extra export is not installed: no onnxruntime")
RESULT, PREPARATION = "gold image", "preparation"


def corrupted(file: Path, out: Path, change: Callable[[Any], None]) -> Verdict:
    """What verifying a changed file says."""
    proto = onnx.load(str(file))
    change(proto)
    onnx.save(proto, str(out))
    return verify_file(out)


def failed(verdict: Verdict) -> set[str]:
    return {what.partition(" under")[0] for what, right, _ in verdict.checks if not right}


def scoped(proto: Any, scope: str, kind: str) -> list[Any]:
    """The nodes of a kind in a module's scope."""
    return [
        node
        for node in proto.graph.node
        if node.op_type == kind
        and any(f"'model.{scope}" in note.value for note in node.metadata_props if note.key.endswith("name_scopes"))
    ]


def initializer(proto: Any, name: str) -> Any:
    return next(one for one in proto.graph.initializer if one.name == name)


def rewrite(proto: Any, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change the numbers of a weight."""
    tensor = initializer(proto, name)
    values = change(onnx.numpy_helper.to_array(tensor).copy()).astype(np.float32)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))


def certificate(proto: Any, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the certificate, and seal it again."""
    [note] = [note for note in proto.metadata_props if note.key == "segue"]
    facts = json.loads(note.value)
    change(facts)
    note.value = as_text(sealed(facts))


def attribute(node: Any, name: str, value: Any) -> None:
    kept = [own for own in node.attribute if own.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])


def test_the_file_as_it_was_made(exported: Path) -> None:
    verdict = verify_file(exported)
    assert verdict.good, verdict.checks
    assert {what for what, _, _ in verdict.checks} >= {"certificate", "export", "hash", "preparation"}


def wrong_mean(proto: Any) -> None:
    certificate(proto, lambda facts: facts["preprocessing"].update(mean=[123.0, 110.0, 100.0]))


def bgr_for_rgb(proto: Any) -> None:
    certificate(proto, lambda facts: facts["preprocessing"].update(swap=False))


def align_corners(proto: Any) -> None:
    for node in scoped(proto, "decode_head", "Resize"):
        attribute(node, "coordinate_transformation_mode", "align_corners")


def nearest(proto: Any) -> None:
    for node in scoped(proto, "decode_head", "Resize"):
        attribute(node, "mode", "nearest")


def one_weight(proto: Any) -> None:
    [node] = scoped(proto, "backbone.layer2.0.bn1", "Conv")

    def change(values: np.ndarray) -> np.ndarray:
        values[0, 0, 1, 1] += 0.5
        return values

    rewrite(proto, node.input[1], change)


def stale_weights(proto: Any) -> None:
    random = np.random.default_rng(0)
    for node in proto.graph.node:
        if node.op_type == "Conv":
            rewrite(proto, node.input[1], lambda values: values + 0.02 * random.standard_normal(values.shape))


def batch_norm_unfolded(proto: Any) -> None:
    """The mean is left out: the folded bias is what the normalization adds alone."""
    [node] = scoped(proto, "backbone.layer1.1.bn2", "Conv")
    rewrite(proto, node.input[2], np.zeros_like)


def grid_sample(proto: Any) -> None:
    grid = onnx.numpy_helper.from_array(np.zeros((1, 2, 2, 2), np.float32), "grid")
    proto.graph.initializer.append(grid)
    proto.graph.node.append(onnx.helper.make_node("GridSample", ["images", "grid"], ["sampled"], mode="bilinear"))


def fp16_overflow(proto: Any) -> None:
    """A value goes through float16 on a scale that leaves its range."""
    [node] = scoped(proto, "backbone.layer1.0.bn2", "Conv")
    own, at = node.output[0], list(proto.graph.node).index(node)
    node.output[0] = "inside"
    for name, number in (("up", 1e6), ("down", 1e-6)):
        proto.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(number), name))
    more = [
        onnx.helper.make_node("Mul", ["inside", "up"], ["large"]),
        onnx.helper.make_node("Cast", ["large"], ["half"], to=onnx.TensorProto.FLOAT16),
        onnx.helper.make_node("Cast", ["half"], ["whole"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Mul", ["whole", "down"], [own]),
    ]
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([*nodes[: at + 1], *more, *nodes[at + 1 :]])


def class_order(proto: Any) -> None:
    [node] = scoped(proto, "decode_head.conv_seg", "Conv")
    for name in node.input[1:]:
        rewrite(proto, name, lambda values: values[::-1])


def transposed(proto: Any) -> None:
    [result] = proto.graph.output
    last = next(node for node in proto.graph.node if result.name in node.output)
    last.output[0] = "upright"
    proto.graph.node.append(onnx.helper.make_node("Transpose", ["upright"], [result.name], perm=[0, 1, 3, 2]))
    axes = result.type.tensor_type.shape.dim
    first, second = onnx.TensorShapeProto.Dimension(), onnx.TensorShapeProto.Dimension()
    first.CopyFrom(axes[2])
    second.CopyFrom(axes[3])
    axes[2].CopyFrom(second)
    axes[3].CopyFrom(first)


def cropped_padding(proto: Any) -> None:
    """A border is padded twice on one side and not at all on the other."""
    [node] = scoped(proto, "backbone.layer1.0.bn1", "Conv")
    attribute(node, "pads", [2, 2, 0, 0])


@pytest.mark.parametrize(
    ("change", "check", "layer"),
    [
        (wrong_mean, PREPARATION, "preprocessing"),
        (bgr_for_rgb, PREPARATION, "preprocessing"),
        (align_corners, RESULT, "decode_head.bottleneck.bn"),
        (nearest, RESULT, "decode_head.bottleneck.bn"),
        (one_weight, RESULT, "backbone.layer2.0.bn1"),
        (stale_weights, RESULT, "backbone.bn1"),
        (batch_norm_unfolded, RESULT, "backbone.layer1.1.bn2"),
        (grid_sample, "operators", None),
        (fp16_overflow, RESULT, "backbone.layer1.0.bn2"),
        (class_order, RESULT, "decode_head.conv_seg"),
        (transposed, RESULT, None),
        (cropped_padding, RESULT, "backbone.layer1.0.bn1"),
    ],
)
def test_a_corrupted_file(
    exported: Path, tmp_path: Path, change: Callable[[Any], None], check: str, layer: str | None
) -> None:
    verdict = corrupted(exported, tmp_path / "changed.onnx", change)
    assert not verdict.good
    assert check in failed(verdict), verdict.checks
    assert (verdict.divergence.layer if verdict.divergence else None) == layer, verdict.divergence


def test_an_edited_certificate(exported: Path, tmp_path: Path) -> None:
    """Without its seal being made again."""

    def change(proto: Any) -> None:
        [note] = [note for note in proto.metadata_props if note.key == "segue"]
        note.value = note.value.replace('"car"', '"tram"')

    assert "certificate" in failed(corrupted(exported, tmp_path / "changed.onnx", change))


def test_a_certificate_that_cannot_be_read(exported: Path, tmp_path: Path) -> None:
    """An array that was cut is a finding, not a traceback."""

    def cut(facts: dict[str, Any]) -> None:
        facts["gold"]["labels"]["data"] = facts["gold"]["labels"]["data"][:40]

    verdict = corrupted(exported, tmp_path / "changed.onnx", lambda proto: certificate(proto, cut))
    assert "gold image" in failed(verdict) and "cannot be read" in verdict.checks[-1][2], verdict.checks


@pytest.mark.parametrize("text", ["edited", "another file's", "no JSON"])
def test_a_certificate_beside_that_is_not_the_one_within(exported: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "moved.onnx"
    file.write_bytes(exported.read_bytes())
    own = json.loads(exported.with_name("small.onnx.json").read_text())
    assert not failed(verify_file(file))  # none is beside it
    changed = own | {"classes": ["other"] * 4}
    written = {"edited": json.dumps(changed), "another file's": json.dumps(sealed(changed)), "no JSON": "{"}[text]
    file.with_name("moved.onnx.json").write_text(written)
    assert failed(verify_file(file)) == {"moved.onnx.json"}


def test_under_another_runtime(exported: Path) -> None:
    need("openvino")
    verdict = verify_file(exported, "openvino")
    assert verdict.good, verdict.checks
