"""HRF: vessels in high-resolution retinas.

https://www5.cs.fau.de/research/data/fundus-images
"""

from __future__ import annotations

from segue.datasets.chase_db1 import ChaseDB1Dataset


class HRFDataset(ChaseDB1Dataset):
    """Retinal vessels."""

    SEG_MAP_SUFFIX = ".png"
