"""STARE: vessels in retinas.

https://cecas.clemson.edu/~ahoover/stare
"""

from __future__ import annotations

from segue.datasets.chase_db1 import ChaseDB1Dataset


class STAREDataset(ChaseDB1Dataset):
    """Retinal vessels, annotated by Adam Hoover."""

    SEG_MAP_SUFFIX = ".ah.png"
