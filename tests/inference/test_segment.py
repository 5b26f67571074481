"""Whole and sliding-window inference, and the way back to the original image."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.inference.segment import label_maps, labels_of, original_logits, slide, whole_or_slide
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.types import SegSample, TestOptions


class Threshold(nn.Module):
    """Two classes by the first channel's sign; its logits depend on the pixel alone, so windows change nothing."""

    num_classes = 2
    align_corners = False
    threshold = 0.3

    def __init__(self, test: TestOptions | None = None) -> None:
        super().__init__()
        self.test = test or TestOptions()
        self.data_preprocessor = SegDataPreProcessor()
        self.seen: list[tuple[int, ...]] = []

    @property
    def head(self) -> Threshold:
        return self

    def encode_decode(self, inputs: Tensor) -> Tensor:
        self.seen.append(tuple(inputs.shape))
        return torch.stack([-inputs[:, 0], inputs[:, 0]], dim=1)


@pytest.mark.parametrize("size", [(10, 13), (8, 8), (5, 20), (3, 3)])
def test_windows_cover_the_image_and_average(size: tuple[int, int]) -> None:
    model = Threshold(TestOptions(mode="slide", crop_size=(8, 8), stride=(5, 3)))
    x = torch.randn(2, 1, *size)
    assert torch.allclose(slide(model, x), Threshold().encode_decode(x), atol=1e-6)


def test_where_windows_lie() -> None:
    """13 columns, windows of 8 every 3: at 0, 3 and, moved back to the border, 5."""
    model = Threshold(TestOptions(mode="slide", crop_size=8, stride=3))
    slide(model, torch.zeros(1, 1, 8, 13))
    assert model.seen == [(1, 1, 8, 8)] * 3


def test_overlaps_are_means() -> None:
    """A model that answers with the number of the window: 0 and 1 overlap in columns 2 and 3."""
    model = Threshold(TestOptions(mode="slide", crop_size=(1, 4), stride=(1, 2)))
    model.encode_decode = lambda x: torch.full((1, 2, 1, x.shape[-1]), float(next(numbers)))  # type: ignore
    numbers = iter(range(9))
    assert slide(model, torch.zeros(1, 1, 1, 6))[0, 0, 0].tolist() == [0, 0, 0.5, 0.5, 1, 1]


def test_half_precision_is_summed_in_float32() -> None:
    """The mean of three equal logits is that logit, to float32's precision."""
    model = Threshold(TestOptions(mode="slide", crop_size=(1, 3), stride=(1, 1)))
    model.encode_decode = lambda x: torch.full((1, 2, 1, x.shape[-1]), 0.1, dtype=torch.bfloat16)  # type: ignore
    found = slide(model, torch.zeros(1, 1, 1, 5))
    assert found.dtype == torch.float32
    assert found[0, 0, 0, 2].item() == pytest.approx(torch.tensor(0.1, dtype=torch.bfloat16).item(), rel=1e-6)


@pytest.mark.parametrize(("even", "starts"), [(False, [0, 4, 6]), (True, [0, 3, 6])])
def test_windows_are_moved_back_or_spread(even: bool, starts: list[int]) -> None:
    """By hand: 10 pixels in windows of 4; what a window sees first is its number."""
    seen = []
    model = Threshold(TestOptions(mode="slide", crop_size=(1, 4), stride=(1, 4), even=even))
    model.encode_decode = lambda x: (seen.append(int(x[0, 0, 0, 0])), x)[1]  # type: ignore
    slide(model, torch.arange(10.0).view(1, 1, 1, 10))
    assert seen == starts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop_size": (8, 8)}, "mode='slide' needs stride"),
        ({"stride": (8, 8)}, "mode='slide' needs crop_size"),
        ({"crop_size": 4, "stride": 6}, r"stride=\(6, 6\) leaves gaps between windows of crop_size=\(4, 4\)"),
    ],
)
def test_slide_messages(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        whole_or_slide(Threshold(TestOptions(mode="slide", **options)), torch.zeros(1, 1, 9, 9))


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
def test_back_to_the_original(direction: str) -> None:
    """Padding is cut off before the flip is undone, and the flip before the image is resized."""
    original = torch.arange(12.0).view(1, 1, 3, 4)
    axes = {"horizontal": (3,), "vertical": (2,), "diagonal": (2, 3)}[direction]
    seen = nn.functional.pad(original.flip(axes), (0, 2, 0, 1), value=-1)
    meta = {"padding_size": (0, 2, 0, 1), "flip": True, "flip_direction": direction, "ori_shape": (3, 4)}
    assert torch.equal(original_logits(Threshold(), seen, SegSample(meta)), original)


def test_labels() -> None:
    model = Threshold()
    assert labels_of(model, torch.tensor([[1.0, 2.0]]).view(1, 2, 1, 1)).item() == 1
    # One logit: sigmoid(-0.5) is 0.38, above the head's threshold of 0.3.
    assert labels_of(model, torch.full((1, 1, 1, 1), -0.5)).item() == 1
    assert labels_of(model, torch.full((1, 1, 1, 1), -1.0)).item() == 0


def test_mixed_sizes_in_one_batch() -> None:
    """Images of one size go together; results come in the order given, each at its own original size."""
    model = Threshold()
    images = [torch.full((3, h, w), v) for h, w, v in ((4, 4, 1.0), (6, 5, -1.0), (4, 4, -1.0))]
    samples = [SegSample({"ori_shape": shape}) for shape in ((8, 8), (6, 5), (4, 4))]
    found = label_maps(model, {"inputs": images, "data_samples": samples})
    assert [tuple(f.shape) for f in found] == [(8, 8), (6, 5), (4, 4)]
    assert [int(f.unique()) for f in found] == [1, 0, 0]
    assert [shape[0] for shape in model.seen] == [2, 1]
