"""CascadeEncoderDecoder: the second head reads the first one's logits, and gradients reach both."""

from __future__ import annotations

import pytest
import torch

from segue.config.builder.build import build_model
from segue.errors import ConfigError
from segue.types import Targets
from tests.models.small import ocrnet


def test_any_size() -> None:
    model = build_model(ocrnet()).eval()
    assert model.encode_decode(torch.randn(1, 3, 97, 131)).shape == (1, 3, 97, 131)
    assert model(torch.randn(1, 3, 64, 64)).shape == (1, 3, 8, 8)


def test_losses_of_both_heads() -> None:
    model = build_model(ocrnet())
    losses = model.loss(torch.randn(2, 3, 64, 64), Targets(labels=torch.randint(0, 3, (2, 64, 64))))
    assert list(losses) == ["decode_0.loss_ce", "decode_0.acc_seg", "decode_1.loss_ce", "decode_1.acc_seg"]
    losses["decode_1.loss_ce"].backward()
    # The regions are supervised by their own loss and shaped by the second head's as well.
    assert model.decode_head[0].conv_seg.weight.grad.any()


def test_the_model_is_the_last_head() -> None:
    model = build_model(ocrnet())
    assert model.head is model.decode_head[1] and model.num_classes == 3


def test_number_of_stages() -> None:
    with pytest.raises(ConfigError, match="num_stages=3, but decode_head lists 2 heads"):
        build_model(ocrnet(num_stages=3))


def test_void_by_another_number() -> None:
    """255 in the data is what each head calls void."""
    x, labels = torch.randn(2, 3, 64, 64), torch.randint(0, 3, (2, 64, 64))
    labels[:, :8] = 255
    usual, cfg = build_model(ocrnet()).eval(), ocrnet()
    for head in cfg["model"]["decode_head"]:
        head["ignore_index"] = 3
    other = build_model(cfg).eval()
    other.load_state_dict(usual.state_dict())
    wanted, found = (model.loss(x, Targets(labels=labels)) for model in (usual, other))
    assert {k: v.item() for k, v in found.items()} == {k: v.item() for k, v in wanted.items()}
