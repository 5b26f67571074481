"""OCRHead: numbers from the goldens, and each equation of the paper on a case worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.errors import InputError
from segue.heads.ocr import ObjectAttention, OCRHead, region_representations, true_regions
from segue.layers.decode_head import HeadOptions
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.types import Targets
from tests.goldens_check import check_golden


def test_numbers_of_the_reference() -> None:
    check_golden("ocrnet_hr18s")


def test_region_is_the_weighted_mean_of_its_pixels() -> None:
    """Equation 4. Logits ln 1 and ln 3 give weights 1/4 and 3/4: f = 4 / 4 + 8 * 3 / 4 = 7; equal ones the mean, 6."""
    pixels = torch.tensor([4.0, 8.0]).view(1, 1, 1, 2)
    logits = torch.tensor([[0.0, math.log(3)], [5.0, 5.0]]).view(1, 2, 1, 2)
    assert torch.allclose(region_representations(pixels, logits), torch.tensor([[[7.0, 6.0]]]))


def test_scale_sharpens_the_regions() -> None:
    pixels = torch.tensor([4.0, 8.0]).view(1, 1, 1, 2)
    logits = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    assert region_representations(pixels, logits, scale=100.0).item() == pytest.approx(8.0)


def test_attention_by_hand() -> None:
    """Equations 3, 5, 7, 8 with all transforms the identity and D = 1: softmax(x f_1, x f_2), then the mean of f."""
    block = ObjectAttention(1, 1, norm=None, act=None)
    for name, parameter in block.named_parameters():
        with torch.no_grad():
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
    block.bottleneck.conv.weight.data.copy_(torch.tensor([1.0, 0.0]).view(1, 2, 1, 1))  # z is y, without x
    x, f = 2.0, (0.0, math.log(3) / 2)
    weights = (1 / 4, 3 / 4)  # exp(2 * 0) : exp(2 * ln(3) / 2)
    expected = weights[0] * f[0] + weights[1] * f[1]
    found = block(torch.full((1, 1, 1, 1), x), torch.tensor(f).view(1, 1, 2))
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_attention_is_scaled_by_the_key_width() -> None:
    """Equation 7: with D = 4 equal channels the relation is 4 x f / sqrt(4) = 2 x f."""
    block = ObjectAttention(1, 4, norm=None, act=None)
    for name, parameter in block.named_parameters():
        with torch.no_grad():
            parameter.fill_(0.0)
            if name.endswith("0.conv.weight"):
                parameter.fill_(1.0)
            elif name.endswith("1.conv.weight"):
                parameter.copy_(torch.eye(4).view(4, 4, 1, 1))
    block.value_project.conv.weight.data[0] = 1.0
    block.out_project.conv.weight.data[0, 0] = 1.0
    block.bottleneck.conv.weight.data.copy_(torch.tensor([1.0, 0.0]).view(1, 2, 1, 1))
    f = math.log(3)
    found = block(torch.full((1, 1, 1, 1), 0.5), torch.tensor([0.0, f]).view(1, 1, 2))
    assert found.item() == pytest.approx(0.75 * f, abs=1e-6)  # softmax(0, 2 * 0.5 * ln 3) = (1/4, 3/4)


def test_it_needs_the_logits_of_a_head_before_it() -> None:
    head = OCRHead(HeadOptions(in_channels=2, channels=4, num_classes=3), ocr_channels=2)
    with pytest.raises(InputError, match="use CascadeEncoderDecoder with two heads"):
        head([torch.randn(1, 2, 4, 4)])
    with pytest.raises(InputError, match="give both heads the same in_index"):
        head([torch.randn(1, 2, 4, 4)], torch.randn(1, 3, 8, 8))


def test_relation_by_probability_takes_what_the_regions_say() -> None:
    """ACFNet: y = sum_k P_ik f_k. Regions f = 4 and 8 with probabilities 1/4 and 3/4 give 7, whatever the pixel is."""
    block = ObjectAttention(1, 1, norm=None, act=None, relate=False)
    for name, parameter in block.named_parameters():
        with torch.no_grad():
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
    block.bottleneck.conv.weight.data.copy_(torch.tensor([1.0, 0.0]).view(1, 2, 1, 1))  # z is y, without x
    regions, relation = torch.tensor([[[4.0, 8.0]]]), torch.tensor([0.25, 0.75]).view(1, 2, 1, 1)
    for pixel in (0.0, 5.0):
        assert block(torch.full((1, 1, 1, 1), pixel), regions, relation).item() == pytest.approx(7.0)


def test_head_with_relation_by_probability_has_no_keys_and_uses_the_softmax_over_regions() -> None:
    options = HeadOptions(in_channels=2, channels=4, num_classes=3)
    head = OCRHead(options, ocr_channels=2, relation="probability").eval()
    assert not [name for name in head.state_dict() if "query" in name or "key" in name]
    x, previous = torch.randn(1, 2, 4, 4), torch.randn(1, 3, 4, 4)
    pixels = head.bottleneck(x)
    regions = region_representations(pixels, previous)
    expected = head.classify(head.object_context_block(pixels, regions, previous.softmax(dim=1)))
    assert torch.allclose(head([x], previous), expected)


def test_true_regions_are_means_over_the_labels() -> None:
    """Labels 0 0 1 and one ignored, pixels 2 4 6 100: f_0 = 3, f_1 = 6, and class 2, which is not there, their mean."""
    labels = torch.tensor([[[0, 0, 1, 255]]])
    logits = true_regions(labels, 3, (1, 4), 255)
    pixels = torch.tensor([2.0, 4.0, 6.0, 100.0]).view(1, 1, 1, 4)
    assert region_representations(pixels, logits).flatten().tolist() == pytest.approx([3.0, 6.0, 28.0])
    relation = logits.softmax(dim=1)[0, :, 0]
    assert relation[:, 2].tolist() == [0, 1, 0] and relation[:, 3].tolist() == pytest.approx([1 / 3] * 3)


def test_true_regions_replace_those_of_the_head_before() -> None:
    options = HeadOptions(in_channels=2, channels=4, num_classes=3, loss_decode=CrossEntropyLoss())
    head = OCRHead(options, ocr_channels=2, regions="ground_truth").eval()
    features, labels = [torch.randn(1, 2, 4, 4)], torch.randint(0, 3, (1, 8, 8))
    losses = [head.loss(features, Targets(labels=labels), torch.randn(1, 3, 4, 4)) for _ in range(2)]
    assert torch.equal(losses[0]["loss_ce"], losses[1]["loss_ce"])
    logits = head.predict(features, (8, 8), labels=labels)
    assert torch.allclose(head.loss_of_logits(logits, Targets(labels=labels))["loss_ce"], losses[0]["loss_ce"])
    with pytest.raises(InputError, match="regions='ground_truth' predicts from the labels"):
        head.predict(features, (8, 8), torch.randn(1, 3, 4, 4))
