"""mmseg.utils.datafrombytes: a volume out of the bytes of its file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from segue.compat.refusals import entrance
from segue.errors import InputError
from segue.images.volumes import decode_npy, read_volume


@entrance
def datafrombytes(content: bytes, backend: str = "numpy") -> np.ndarray:
    """The array of ``numpy`` or ``nifti`` bytes.

    Raises:
        InputError: ``pickle``, which runs code when it is read.
    """
    if backend == "numpy":
        return decode_npy(content, "<bytes>")
    if backend != "nifti":
        raise InputError(f"backend={backend!r}: 'numpy' or 'nifti'; pickles run code when they are read")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("volume.nii.gz" if content[:2] == b"\x1f\x8b" else "volume.nii")
        path.write_bytes(content)
        return np.array(read_volume(path))
