"""MultiImageMixDataset: who gets which samples."""

from __future__ import annotations

import numpy as np
import pytest

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.multi_image_mix import MultiImageMixDataset
from segue.errors import DataError, InputError
from segue.transforms.load_annotations import LoadAnnotations
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.transforms.pack_seg_inputs import PackSegInputs
from segue.transforms.random_mosaic import RandomMosaic


@pytest.fixture
def inner(folder):
    root = folder({f"{place}/{name}.png": None if place == "i" else [2] for place in "im" for name in "abc"})
    return BaseSegDataset(
        img_suffix=".png",
        data_root=str(root),
        data_prefix={"img_path": "i", "seg_map_path": "m"},
        metainfo={"classes": ["x", "y", "z"]},
        pipeline=[LoadImageFromFile(), LoadAnnotations()],
    )


def test_mosaic(inner):
    """Oracle: four pictures of one grey on a canvas of twice 8 x 12; the mask is 2 just where the picture is 90."""
    data = MultiImageMixDataset(inner, [RandomMosaic(1.0, (8, 12), (0.8, 1.2)), PackSegInputs()])
    assert len(data) == 3
    assert data.metainfo == inner.metainfo
    for index in range(3):
        packed = data[index]
        image, labels = packed["inputs"].numpy(), packed["data_samples"].gt_sem_seg.numpy()
        assert image.shape == (3, 16, 24)
        np.testing.assert_array_equal(image[0] == 90, labels == 2)
        np.testing.assert_array_equal(image[0] == 0, labels == 255)
        assert (labels == 2).mean() > 0.6


def test_skipped_and_shared(inner):
    """Oracle: a skipped transform does nothing; a mixed sample is a copy, and gone after the step."""
    seen = []

    class Look:
        def get_indices(self, dataset):
            return len(dataset) - 1

        def __call__(self, sample):
            sample["mix_results"][0]["img"][:] = 0
            seen.append(len(sample["mix_results"]))
            return sample

    sample = MultiImageMixDataset(inner, [Look(), RandomMosaic(1.0)], ["RandomMosaic"])[2]
    assert seen == [1]
    assert "mix_results" not in sample
    assert (sample["img"] == 90).all()


def test_refused(inner):
    with pytest.raises(InputError, match="skip_type_keys must be a list of names, got 'RandomMosaic'"):
        MultiImageMixDataset(inner, [], "RandomMosaic")
    with pytest.raises(InputError, match="pipeline must be a list of transforms"):
        MultiImageMixDataset(inner, [3])
    with pytest.raises(DataError, match=r"a.png: function of MultiImageMixDataset dropped it"):
        MultiImageMixDataset(inner, [lambda sample: None])[0]
