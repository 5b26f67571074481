"""What decides a pixel's label, and which input is traced."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from segue.export.graph import odd, threshold_of, tracing
from segue.layers.deformable_attention import (
    DeformableAttentionOptions,
    MultiScaleDeformableAttention,
    grid_places,
)
from tests.export.extras import need


@pytest.mark.parametrize(
    ("head", "classes", "wanted"),
    [
        ({"out_channels": 4}, 4, None),
        ({}, 4, None),
        ({"out_channels": 1, "threshold": 0.3}, 2, 0.3),  # one logit for two classes
        ({"out_channels": 1}, 1, 0.5),
        ({"out_channels": 4, "multilabel": True, "threshold": 0.6}, 4, 0.6),
    ],
)
def test_threshold(head: dict[str, object], classes: int, wanted: float | None) -> None:
    assert threshold_of(SimpleNamespace(head=SimpleNamespace(**head), num_classes=classes)) == wanted


def test_the_input_that_is_traced() -> None:
    """At least 512 pixels a side, and a side that nothing divides; the batch and the channels stay."""
    assert odd(torch.zeros(2, 5, 64, 96), {"height": 2, "width": 3}).shape == (2, 5, 549, 613)
    assert odd(torch.zeros(2, 1024, 512, 3, dtype=torch.uint8), {"height": 1, "width": 2}).dtype == torch.uint8


class Attention(nn.Module):
    """Deformable attention over an image and its half."""

    def __init__(self) -> None:
        super().__init__()
        options = DeformableAttentionOptions(embed_dims=8, num_heads=2, num_levels=2, num_points=2, dropout=0.0)
        self.attention = MultiScaleDeformableAttention(options)
        nn.init.normal_(self.attention.sampling_offsets.weight)

    def forward(self, images: Tensor) -> Tensor:
        maps = [images, images[:, :, ::2, ::2]]
        sizes = [(x.shape[2], x.shape[3]) for x in maps]
        tokens = torch.cat([x.flatten(2).transpose(1, 2) for x in maps], dim=1)
        found: Tensor = self.attention(tokens, tokens, grid_places(sizes, tokens), sizes)
        return found


def traced(module: nn.Module) -> torch.export.ExportedProgram:
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO)
    with tracing(module):
        return torch.export.export(module, (torch.randn(2, 8, 21, 33),), dynamic_shapes={"images": free}, strict=False)


def test_deformable_attention_at_other_sizes() -> None:
    """A tensor of sizes would hold those of the trace."""
    module = Attention().eval()
    program = traced(module).module()
    for size in ((1, 8, 9, 13), (2, 8, 40, 16)):
        images = torch.randn(size)
        assert torch.allclose(program(images), module(images), atol=1e-5)


@pytest.mark.filterwarnings("ignore:`isinstance:FutureWarning")  # torch's exporter of itself
@pytest.mark.slow
def test_deformable_attention_in_a_file() -> None:
    """Several clamps to sizes that are free become one another's in torch's exporter."""
    need("onnx", "onnxscript", "onnxruntime")
    import onnxruntime

    module = Attention().eval()
    with tracing(module):
        made = torch.onnx.export(traced(module), (torch.randn(2, 8, 21, 33),), dynamo=True, verbose=False)
    assert made is not None
    session = onnxruntime.InferenceSession(made.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for size in ((1, 8, 9, 13), (2, 8, 40, 16)):
        images = torch.randn(size)
        [found] = session.run(None, {session.get_inputs()[0].name: images.numpy()})
        assert torch.allclose(torch.from_numpy(found), module(images), atol=1e-5)
