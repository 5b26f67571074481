"""Volumes of medical images: NIfTI (extra ``medical``) and numpy files, as (C, Z, Y, X)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError, InputError, MissingExtraError
from segue.images.limits import check_file

#: Ends of the names of NIfTI files.
NIFTI_SUFFIXES = (".nii", ".nii.gz")
BACKENDS = ("nifti", "numpy")


def read_volume(path: str | Path, backend: str = "nifti") -> NDArray[Any]:
    """The array of a file as it is stored.

    NIfTI has (X, Y, Z) or (X, Y, Z, C) and the scaling of its header applied, in float64; see `channels_first`.

    Args:
        path: the file.
        backend: ``nifti`` or ``numpy``.
    """
    if backend == "numpy":
        return decode_npy(_bytes(path), path)
    if backend != "nifti":
        hint = "; pickles run code when they are read: save the array with numpy.save" if backend == "pickle" else ""
        raise InputError(f"decode_backend must be 'nifti' or 'numpy', got {backend!r}{hint}")
    try:
        import nibabel
        from nibabel.filebasedimages import ImageFileError
    except ImportError as error:
        raise MissingExtraError("nibabel", "medical", "reading NIfTI volumes") from error
    check_file(path)
    if not Path(path).exists():
        raise DataError(f"{path}: the file does not exist")
    try:
        loaded: Any = nibabel.load(path)
        return np.asarray(loaded.get_fdata())
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        raise DataError(f"{path}: damaged, or not a NIfTI volume ({'/'.join(NIFTI_SUFFIXES)}): {error}") from error


def channels_first(volume: NDArray[Any], backend: str, path: str | Path) -> NDArray[Any]:
    """(C, Z, Y, X) of what `read_volume` gave: NIfTI's axes are reversed, numpy's are in this order already."""
    if volume.ndim == 3:
        volume = volume[..., None] if backend == "nifti" else volume[None]
    if volume.ndim != 4:
        raise DataError(f"{path}: a volume has 3 axes, or 4 with channels; this one has the shape {volume.shape}")
    return np.ascontiguousarray(volume.transpose(3, 2, 1, 0)) if backend == "nifti" else volume


def decode_npy(data: bytes, path: str | Path) -> NDArray[Any]:
    """The array of an .npy file; one that holds Python objects is refused, since reading it would run code."""
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path}: damaged, or not a numpy array of numbers: {error}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: an archive of several arrays (.npz); save one array with numpy.save")
    return array


def _bytes(path: str | Path) -> bytes:
    check_file(path)
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: the file does not exist") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
