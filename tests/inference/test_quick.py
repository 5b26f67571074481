"""The quick way of prediction computes what the plain one does, and notices when weights or modules change."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segue.heads.ocr import OCRHead
from segue.heads.psp import PSPHead
from segue.heads.segformer import SegformerHead
from segue.heads.uper import UPerHead
from segue.inference.quick import _MODELS, predicted
from segue.layers import quick
from segue.layers.conv import ConvModule
from segue.layers.decode_head import HeadOptions
from segue.layers.norm import BN
from segue.layers.quick import in_parts, of_all, quickly
from segue.training.compute.ways import recompute


def settled(model: Any) -> Any:
    """In evaluation, with statistics that are not those of a new layer."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    return model.eval()


class Small(nn.Module):
    """A convolution that can be folded, one whose output is read twice, and one that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.plain_bn = nn.Conv2d(3, 4, 3, padding=1, bias=True), nn.BatchNorm2d(4)
        self.read_twice, self.read_twice_bn = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.shared, self.shared_bn = nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.plain_bn(self.plain(x)).relu()
        y = self.read_twice(x)
        x = self.read_twice_bn(y) + y
        return self.shared_bn(self.shared(self.shared_bn(self.shared(x))))


@torch.no_grad()
def test_only_what_nothing_else_reads_is_folded() -> None:
    model = settled(Small())
    x = torch.randn(2, 3, 9, 7)
    expected = model(x)
    assert torch.equal(predicted(model, x, model), expected)  # watched
    assert torch.allclose(predicted(model, x, model), expected, atol=1e-5)
    pairs = _MODELS[model].pairs
    assert pairs is not None and [pair.conv for pair in pairs] == [model.plain]
    assert "forward" not in vars(model.plain) and "forward" not in vars(model.plain_bn)


@torch.no_grad()
@pytest.mark.parametrize("name", ["plain.weight", "plain.bias", "plain_bn.weight", "plain_bn.running_var"])
def test_new_weights_count(name: str) -> None:
    model = settled(Small())
    x = torch.randn(1, 3, 9, 7)
    for _ in range(2):
        predicted(model, x, model)
    model.state_dict()[name].mul_(2).add_(0.1)
    assert torch.allclose(predicted(model, x, model), model(x), atol=1e-5)


@torch.no_grad()
def test_a_hook_sees_the_convolutions_own_output() -> None:
    """A module that someone watches keeps its own output, also where the hook came after the first prediction."""
    model = settled(Small())
    x = torch.randn(1, 3, 9, 7)
    for _ in range(2):
        predicted(model, x, model)
    seen: list[Tensor] = []
    model.plain.register_forward_hook(lambda *args: seen.append(args[2]))
    predicted(model, x, model)
    assert torch.allclose(seen[0], nn.functional.conv2d(x, model.plain.weight, model.plain.bias, padding=1), atol=1e-5)


def test_training_and_gradients_take_the_plain_way() -> None:
    model = settled(Small())
    x = torch.randn(1, 3, 9, 7)
    predicted(model, x, model).sum().backward()
    assert model not in _MODELS and model.plain.weight.grad is not None


@torch.no_grad()
@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("size", [(12, 15), (6, 6), (1, 1), (2, 7)])
def test_pooled_maps_are_convolved_as_cells(corners: bool, size: tuple[int, int]) -> None:
    """The pyramid's bottleneck, whole and by parts, with batches, in both conventions of resizing."""
    options = HeadOptions(in_channels=8, channels=4, num_classes=3, norm=BN, align_corners=corners)
    head = settled(PSPHead(options))
    x = torch.randn(2, 8, *size)
    expected = head([x])
    with quickly():
        found = head([x])
    assert torch.allclose(found, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_head_of_several_maps() -> None:
    options = HeadOptions(in_channels=[4, 8], in_index=[0, 1], channels=4, num_classes=3, norm=BN)
    head = settled(UPerHead(options, pool_scales=(1, 2, 3)))
    maps = [torch.randn(1, 4, 20, 22), torch.randn(1, 8, 10, 11)]
    expected = head(maps)
    head.psp_modules.joined(maps[1], head.bottleneck)
    with quickly():
        assert torch.allclose(head(maps), expected, atol=1e-5, rtol=1e-5)
    for _ in range(2):
        found = predicted(head, maps[0], lambda x: head([x, maps[1]]))
    assert torch.allclose(found, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_other_bottlenecks_take_the_plain_way() -> None:
    """A convolution with a stride, or in groups, is computed as it is."""
    head = settled(PSPHead(HeadOptions(in_channels=8, channels=4, num_classes=3, norm=BN)))
    x = torch.randn(1, 8, 9, 9)
    for other in (
        ConvModule(24, 4, 3, stride=2, padding=1, norm=BN),
        ConvModule(24, 4, 3, padding=1, groups=4, norm=BN),
    ):
        plain = settled(other)
        expected = head.psp_modules.joined(x, plain)
        with quickly():
            assert torch.equal(head.psp_modules.joined(x, plain), expected)


@torch.no_grad()
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_convolution_of_several_maps_is_the_sum_of_theirs(kernel: int) -> None:
    module = settled(ConvModule(9, 4, kernel, padding=kernel // 2, norm=BN))
    maps = [torch.randn(2, channels, 6, 5) for channels in (2, 4, 3)]
    expected = module(torch.cat(maps, dim=1))

    def run(x: Tensor) -> Tensor:
        given = [x, *maps[1:]]
        found = of_all(module, given)
        assert given == []
        return found

    for way in (run, lambda x: predicted(module, x, run)):  # plain, then watched and folded
        for _ in range(2):
            assert torch.allclose(way(maps[0]), expected, atol=1e-5)
    pairs = _MODELS[module].pairs
    assert pairs is not None and [pair.conv for pair in pairs] == [module.conv]


@pytest.mark.parametrize("again", [False, True])
def test_a_convolution_of_several_maps_learns_as_the_whole(again: bool) -> None:
    module = ConvModule(9, 4, 3, padding=1, norm=BN)
    maps = [torch.randn(2, channels, 6, 5, requires_grad=True) for channels in (2, 4, 3)]
    weights = torch.randn(2, 4, 6, 5)
    (module(torch.cat(maps, dim=1)) * weights).sum().backward()
    learned = [*maps, *module.parameters()]
    expected = [x.grad for x in learned]
    for x in learned:
        x.grad = None
    if again:
        recompute(module)  # what is computed by parts holds less as it is
    (of_all(module, list(maps)) * weights).sum().backward()
    for x, gradient in zip(learned, expected, strict=True):
        torch.testing.assert_close(x.grad, gradient)


def test_a_watched_convolution_of_several_maps_is_called() -> None:
    """Where somebody looks at the convolution, all maps go through it together."""
    module, seen = settled(ConvModule(5, 4, 1, norm=BN)), []
    module.conv.register_forward_hook(lambda *args: seen.append(args[1][0].shape[1]))
    with torch.no_grad():
        of_all(module, [torch.randn(1, 2, 3, 3), torch.randn(1, 3, 3, 3)])
    of_all(module, [torch.randn(1, 2, 3, 3), torch.randn(1, 3, 3, 3)]).sum().backward()
    assert seen == [5, 5] and module.conv.weight.grad is not None


@pytest.mark.parametrize("folds", [False, True])
def test_many_channels_are_taken_in_parts(folds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    module, x = settled(ConvModule(10, 3, 3, padding=1, norm=BN)), torch.randn(2, 10, 6, 5)
    seen: list[list[int]] = []

    def watched(of: ConvModule, maps: list[Tensor]) -> Tensor:
        seen.append([one.shape[1] for one in maps])
        return of_all(of, maps)

    def run(given: Tensor) -> Tensor:
        return in_parts(module, given)

    monkeypatch.setattr(quick, "AT_A_TIME", 4)
    monkeypatch.setattr(quick, "of_all", watched)
    with torch.no_grad():
        expected = module(x)
        for _ in range(2):
            assert torch.allclose(predicted(module, x, run) if folds else run(x), expected, atol=1e-5)
    assert seen[-1] == [4, 4, 2]
    before = len(seen)
    in_parts(module, x).sum().backward()  # whole
    assert len(seen) == before and module.conv.weight.grad is not None


def test_convolutions_of_several_maps_without_data() -> None:
    """Where operations are counted there are shapes alone."""
    module = ConvModule(5, 4, 1, norm=BN).to("meta")
    found = of_all(module, [torch.empty(1, 2, 3, 3, device="meta"), torch.empty(1, 3, 3, 3, device="meta")])
    assert found.shape == (1, 4, 3, 3)


class Seen(nn.Sequential):
    """What a project puts in the place of a convolution module: it has no ``conv``."""


@torch.no_grad()
@pytest.mark.parametrize("way", ["replaced", "hook", "forward"])
def test_a_module_of_a_projects_own_is_called_as_it_is(way: str) -> None:
    """By heads that would otherwise compute its convolution by parts, plainly, quickly and in training."""
    options = HeadOptions(in_channels=8, channels=4, num_classes=3, norm=BN)
    several = HeadOptions(in_channels=[4, 8], in_index=[0, 1], channels=4, num_classes=3, norm=BN)
    maps = [torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4)]
    x, regions = torch.randn(1, 8, 6, 5), torch.randn(1, 3, 6, 5)
    ocr, psp, mixed = OCRHead(options, ocr_channels=2), PSPHead(options), SegformerHead(several)
    for head, name, run in (
        (ocr.object_context_block, "bottleneck", lambda: ocr([x], regions)),
        (psp, "bottleneck", lambda: psp([x])),
        (mixed, "fusion_conv", lambda: mixed(maps)),
    ):
        settled(head)
        part, calls = getattr(head, name), []
        if way == "replaced":
            setattr(head, name, part := Seen(part.conv, nn.Identity()))
            part.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        elif way == "hook":
            part.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        else:
            usual = part.forward
            part.forward = lambda y, usual=usual, calls=calls: (calls.append(1), usual(y))[1]
        run()
        with quickly():
            run()
        mixed.train()
        with torch.enable_grad():
            run()
        mixed.eval()
        assert len(calls) == 3, (type(head).__name__, way)
