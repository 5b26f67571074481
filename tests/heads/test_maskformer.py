"""MaskFormer: the reference's numbers."""

from __future__ import annotations

from tests.goldens_check import check_golden


def test_golden() -> None:
    """Oracle: mmseg 1.2.2 with mmdet 3.3.0; losses with attention's dropout drawn from the same seed."""
    check_golden("maskformer_r50")
