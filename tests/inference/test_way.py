"""Precision, compilation and windows: what changes, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from segue.config import Config
from segue.config.builder.build import build_model
from segue.errors import InputError
from segue.inference.logits import Logits
from segue.inference.segment import _windows, label_maps, seen_by
from segue.inference.way import Way, going, present_way
from segue.types import SegSample, TestOptions
from tests.models.small import encoder_decoder, ocrnet


def small(**changes: object) -> nn.Module:
    torch.manual_seed(0)
    prepare = {"type": "SegDataPreProcessor", "mean": [120.0] * 3, "std": [60.0] * 3, "test_cfg": {"size_divisor": 32}}
    return build_model(Config(encoder_decoder(data_preprocessor=prepare, **changes))).eval()


def batch(*sizes: tuple[int, int]) -> dict[str, list[object]]:
    draw = torch.Generator().manual_seed(0)
    images = [torch.randint(0, 256, (3, *size), generator=draw, dtype=torch.uint8) for size in sizes]
    return {"inputs": images, "data_samples": [SegSample({"ori_shape": size}) for size in sizes]}


@pytest.mark.parametrize("kind", ["whole", "slide"])
def test_labels_of_a_batch_are_those_of_each_image(kind: str) -> None:
    """Images of one padded size together and alone: equal on every pixel in float32 on a processor."""
    slide = {"test_cfg": {"mode": "slide", "crop_size": (32, 32), "stride": (20, 20)}} if kind == "slide" else {}
    model = small(**slide)
    sizes = [(61, 83), (64, 96), (40, 90), (33, 65), (64, 80)]
    every = batch(*sizes)
    with torch.inference_mode():
        label_maps(model, batch((64, 96)))  # the first pass is watched, and computes in the plain way
        together = label_maps(model, every)
        for index, found in enumerate(together):
            [alone] = label_maps(model, {key: [values[index]] for key, values in every.items()})
            assert torch.equal(found, alone), f"{sizes[index]} differs on {int((found != alone).sum())} pixels"


def test_windows_together_are_windows_one_by_one() -> None:
    model = small(test_cfg={"mode": "slide", "crop_size": (32, 32), "stride": (20, 20)})
    inputs = torch.randn(2, 3, 60, 70, generator=torch.Generator().manual_seed(1))
    seen: list[int] = []

    def run(part: Tensor) -> Tensor:
        seen.append(len(part))
        return model.encode_decode(part)  # type: ignore[operator,no-any-return]

    with torch.inference_mode():
        one, three = ([logits.whole() for logits in _windows(model, inputs, run, count)] for count in (1, 3))
    assert seen[:9] == [2] * 9 and seen[9:] == [6] * 3
    for alone, together in zip(one, three, strict=True):
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_gaussian_windows_by_hand() -> None:
    """Two windows of 4 columns over 6, with constant logits 0 and 1: the mean by the weights of the columns."""

    class Steps(nn.Module):
        num_classes, align_corners = 1, False
        test = TestOptions(mode="slide", crop_size=(1, 4), stride=(1, 2))
        calls = 0

        @property
        def head(self) -> nn.Module:
            return self

        def encode_decode(self, inputs: Tensor) -> Tensor:
            self.calls += 1
            return torch.full((1, 1, 1, 4), self.calls - 1.0)

    way = Way(windows="gaussian")
    weight = way.weight((1, 4), torch.device("cpu"))
    assert weight is not None
    bell = torch.exp(-0.5 * ((torch.arange(4) - 1.5) / 0.5) ** 2)
    torch.testing.assert_close(weight[0], bell)
    with going(way):
        [found] = seen_by(Steps().eval(), torch.zeros(1, 1, 1, 6))
    assert isinstance(found, Logits)
    expected = torch.tensor([0, 0, bell[0] / (bell[0] + bell[2]), bell[1] / (bell[1] + bell[3]), 1, 1])
    torch.testing.assert_close(found.whole()[0, 0], expected)
    assert present_way().is_plain, "the way is left again"


def test_precision_is_of_the_network_only() -> None:
    model = small()
    inputs = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        exact = seen_by(model, inputs)[0].whole()
        with going(Way(precision="bf16")):
            found = seen_by(model, inputs)[0].whole()
    assert found.dtype == torch.float32
    assert 0 < (found - exact).abs().max() < 0.1 * exact.abs().max()


@pytest.mark.parametrize("make", [encoder_decoder, ocrnet])
def test_models_compile_without_a_break(make: object) -> None:
    """As a whole graph, in front of a backend that computes it as it is."""
    model = build_model(Config(make())).eval()  # type: ignore[operator]
    inputs = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = torch.compile(model.coarse, fullgraph=True, backend="eager")(inputs)
        torch.testing.assert_close(found, model.coarse(inputs))  # type: ignore[operator]


def test_what_cannot_compile_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(network: object) -> object:
        def fail(inputs: Tensor) -> Tensor:
            raise RuntimeError("no compiler\nis here")

        return fail

    monkeypatch.setattr(torch, "compile", broken)
    model = small()
    with torch.inference_mode(), going(Way(compiled=True)):
        with pytest.raises(InputError, match=r"torch\.compile cannot compile EncoderDecoder here \(no compiler\)"):
            seen_by(model, torch.zeros(1, 3, 64, 64))
        with pytest.raises(RuntimeError, match="channels"):  # where the image is to blame, its own error
            seen_by(model, torch.zeros(1, 5, 64, 64))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"precision": "int8"}, "precision='int8'; there are fp32, bf16, fp16"),
        ({"windows": "round"}, "windows='round'; there are constant, gaussian"),
    ],
)
def test_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Way(**values)  # type: ignore[arg-type]


def test_a_model_that_would_not_follow() -> None:
    model = small()
    with pytest.raises(InputError, match="looks at images whole"):
        Way(windows="gaussian").check(model)
    model.label_maps = lambda batch: []
    with pytest.raises(InputError, match="predicts in its own way, which takes no precision, compile or windows"):
        Way(precision="bf16").check(model)
    Way().check(model)
