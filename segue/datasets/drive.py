"""DRIVE: vessels in retinas.

https://drive.grand-challenge.org
"""

from __future__ import annotations

from segue.datasets.chase_db1 import ChaseDB1Dataset


class DRIVEDataset(ChaseDB1Dataset):
    """Retinal vessels, first manual annotation."""

    SEG_MAP_SUFFIX = "_manual1.png"
