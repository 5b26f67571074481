"""SegmenterMaskTransformerHead: numbers from the goldens and a small head of the reference."""

from __future__ import annotations

from tests.goldens_check import check_golden, check_part


def test_numbers_of_the_reference() -> None:
    check_golden("segmenter_vit-t")
    check_part("segmenter")
