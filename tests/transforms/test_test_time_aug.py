"""TestTimeAug: the order of views, and their independence."""

from __future__ import annotations

import pytest

from segue.errors import DataError, InputError
from segue.transforms.pack_seg_inputs import PackSegInputs
from segue.transforms.random_flip import RandomFlip
from segue.transforms.resize import Resize
from segue.transforms.test_time_aug import TestTimeAug

VIEWS = [[Resize(scale_factor=0.5), Resize(scale_factor=2.0)], [RandomFlip(0.0), RandomFlip(1.0)], [PackSegInputs()]]


def test_cross_product(sample):
    """Oracle: 2 scales x 2 flips of 20 x 26, the last list varying fastest."""
    views = TestTimeAug(VIEWS)(sample())
    assert [tuple(image.shape[1:]) for image in views["inputs"]] == [(10, 13)] * 2 + [(40, 52)] * 2
    assert [s.meta["flip"] for s in views["data_samples"]] == [False, True, False, True]
    assert (views["inputs"][0].flip(-1) == views["inputs"][1]).all()


def test_views_do_not_share(sample):
    def paint(given):
        given["img"][:] = 0
        given["seg_fields"].append("x")
        return given

    given = sample()
    views = TestTimeAug([[paint, lambda s: s]])(given)
    assert not views["img"][0].any()
    assert views["img"][1].any()
    assert views["seg_fields"][1] == ["gt_seg_map"]


def test_refused(sample):
    with pytest.raises(InputError, match="TestTimeAug: transforms must be a list of lists of transforms"):
        TestTimeAug([])
    with pytest.raises(InputError, match=r"transforms\[0\] must be a list of transforms, got 3"):
        TestTimeAug([3])
    with pytest.raises(DataError, match=r"generated.png: .* dropped it in test-time augmentation"):
        TestTimeAug([[lambda s: None]])(sample())
