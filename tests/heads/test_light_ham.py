"""LightHamHead: numbers of the reference, recorded with known bases; the factorization's own properties here.

``segnext_t`` is mmseg run with bases drawn by a generator of seed 0, and, for the gradients, with the image twice: with
a batch of one, torch 2.13 on CPU returns wrong gradients of batch normalization for the reference's memory layout.
"""

from __future__ import annotations

import torch

from segue.heads.light_ham import Factorization, FactorizationOptions
from tests.goldens_check import check_golden


def test_numbers_of_the_reference() -> None:
    check_golden("segnext_t")


def test_a_matrix_of_its_rank_is_found() -> None:
    """A product of non-negative 8 x 2 and 2 x 20 matrices is a fixed point that the updates approach."""
    torch.manual_seed(0)
    x = (torch.rand(8, 2) @ torch.rand(2, 20)).view(1, 8, 4, 5)
    errors = []
    for steps in (1, 50, 500):
        ham = Factorization(FactorizationOptions(MD_R=2, eval_steps=steps)).eval()
        errors.append(((ham(x) - x).norm() / x.norm()).item())
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.01


def test_predictions_are_repeatable_and_do_not_depend_on_the_batch() -> None:
    x = torch.rand(3, 8, 4, 5)
    ham = Factorization(FactorizationOptions(MD_S=2, MD_R=3)).eval()
    first = ham(x)
    assert torch.equal(ham(x), first)
    assert torch.allclose(ham(x[1:2]), first[1:2], atol=1e-6)


def test_training_draws_new_bases_unless_told_otherwise() -> None:
    x = torch.rand(1, 8, 4, 5)
    for rand_init in (True, False):
        ham = Factorization(FactorizationOptions(MD_R=3, rand_init=rand_init)).train()
        assert torch.equal(ham(x), ham(x)) is not rand_init
