"""Volumes: axes, and files that are none."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from segue.errors import DataError, InputError
from segue.images.volumes import channels_first, decode_npy, read_volume


@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
@pytest.mark.parametrize("shape", [(4, 5, 6), (4, 5, 6, 2)])
def test_nifti(tmp_path, suffix, shape):
    """Oracle: nibabel wrote (X, Y, Z[, C]); we give (C, Z, Y, X)."""
    nibabel = pytest.importorskip("nibabel", reason="an optional extra: medical")
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / f"a.{suffix}")
    volume = channels_first(read_volume(tmp_path / f"a.{suffix}"), "nifti", "a")
    assert volume.shape == (shape[3] if len(shape) == 4 else 1, 6, 5, 4)
    np.testing.assert_allclose(volume[0, 5, 4, 3], values[(3, 4, 5, 0)[: len(shape)]])
    (tmp_path / f"b.{suffix}").write_bytes((tmp_path / f"a.{suffix}").read_bytes()[:200])
    with pytest.raises(DataError, match=rf"b.{suffix}: damaged, or not a NIfTI volume \(.nii/.nii.gz\)"):
        read_volume(tmp_path / f"b.{suffix}")


def test_numpy(tmp_path):
    """Oracle: (Z, Y, X) gets a channel, (C, Z, Y, X) stays."""
    values = np.arange(24).reshape(2, 3, 4)
    np.save(tmp_path / "a.npy", values)
    assert channels_first(read_volume(tmp_path / "a.npy", "numpy"), "numpy", "a").shape == (1, 2, 3, 4)
    assert channels_first(values[None], "numpy", "a").shape == (1, 2, 3, 4)
    with pytest.raises(DataError, match=r"a.npy: a volume has 3 axes, or 4 with channels; .* shape \(2, 12\)"):
        channels_first(values.reshape(2, 12), "numpy", "a.npy")
    with pytest.raises(DataError, match=r"gone.npy: the file does not exist"):
        read_volume(tmp_path / "gone.npy", "numpy")


def test_no_pickles(tmp_path):
    """Oracle: neither a pickle nor a numpy file that holds one is read."""
    with pytest.raises(InputError, match="decode_backend must be 'nifti' or 'numpy', got 'pickle'; pickles run code"):
        read_volume(tmp_path / "a.pkl", "pickle")
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"a.npy: damaged, or not a numpy array of numbers: .*allow_pickle=False"):
        read_volume(tmp_path / "a.npy", "numpy")
    with pytest.raises(DataError, match=r"b.npy: damaged, or not a numpy array of numbers"):
        decode_npy(pickle.dumps({"a": 1}), "b.npy")
