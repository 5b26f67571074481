"""Datasets: where images and label maps lie, and what the labels mean. One file per dataset."""

from segue.datasets.collate import collate

__all__ = ["collate"]
