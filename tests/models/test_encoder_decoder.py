"""EncoderDecoder: shapes at any size, names of losses, what trains."""

from __future__ import annotations

import pytest
import torch

from segue.config.builder.build import build_model
from segue.types import Targets
from tests.models.small import FCN, PSP, encoder_decoder


@pytest.mark.parametrize("size", [(32, 32), (97, 131), (33, 64)])
def test_any_size(size: tuple[int, int]) -> None:
    model = build_model(encoder_decoder()).eval()
    assert model.encode_decode(torch.randn(2, 3, *size)).shape == (2, 3, *size)


def test_names_of_losses() -> None:
    x, targets = torch.randn(2, 3, 32, 32), Targets(labels=torch.randint(0, 3, (2, 32, 32)))
    one = build_model(encoder_decoder()).loss(x, targets)
    assert list(one) == ["decode.loss_ce", "decode.acc_seg", "aux.loss_ce", "aux.acc_seg"]
    two = build_model(encoder_decoder(auxiliary_head=[FCN, FCN])).loss(x, targets)
    assert [name for name in two if "aux" in name and "loss" in name] == ["aux_0.loss_ce", "aux_1.loss_ce"]
    none = build_model(encoder_decoder(auxiliary_head=None)).loss(x, targets)
    assert list(none) == ["decode.loss_ce", "decode.acc_seg"]


def test_every_parameter_learns() -> None:
    model = build_model(encoder_decoder())
    losses = model.loss(torch.randn(2, 3, 32, 32), Targets(labels=torch.randint(0, 3, (2, 32, 32))))
    sum(value for name, value in losses.items() if "loss" in name).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_batches_do_not_mix_in_evaluation() -> None:
    model = build_model(encoder_decoder()).eval()
    x = torch.randn(2, 3, 40, 48)
    assert torch.allclose(model.encode_decode(x)[1:], model.encode_decode(x[1:]), atol=1e-5)


def test_other_channels() -> None:
    cfg = encoder_decoder()
    cfg["model"]["backbone"]["in_channels"] = 13
    assert build_model(cfg).eval().encode_decode(torch.randn(1, 13, 40, 40)).shape == (1, 3, 40, 40)


@pytest.mark.parametrize("own", [3, 7, -1])
def test_void_by_another_number(own: int) -> None:
    """Void is 255 in the data; a head that calls it 3 ignores it, and its own 3, with which images are padded."""
    x, labels = torch.randn(2, 3, 32, 32), torch.randint(0, 3, (2, 32, 32))
    labels[:, :8] = 255
    usual = build_model(encoder_decoder(auxiliary_head=[FCN, FCN])).eval()
    one, two = (head | {"ignore_index": own} for head in (PSP, FCN))
    other = build_model(encoder_decoder(decode_head=one, auxiliary_head=[two, FCN])).eval()
    other.load_state_dict(usual.state_dict())
    wanted = usual.loss(x, Targets(labels=labels))
    found = other.loss(x, Targets(labels=labels))
    assert {k: v.item() for k, v in found.items()} == {k: v.item() for k, v in wanted.items()}
    padded = torch.where(torch.arange(32)[None, :, None] < 4, own, labels)
    found = other.decode_loss(other.extract_feat(x), Targets(labels=padded))
    assert torch.equal(found["decode.loss_ce"], wanted["decode.loss_ce"])
