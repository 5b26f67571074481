"""ISPRS Vaihingen: aerial images of a town.

https://www.isprs.org/education/benchmarks/UrbanSemLab
"""

from __future__ import annotations

from segue.datasets.potsdam import PotsdamDataset


class ISPRSDataset(PotsdamDataset):
    """Vaihingen, cut into tiles; 0 is the border between objects."""
