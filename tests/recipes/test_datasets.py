"""The files of ``segue/recipes/datasets``. Oracle: the classes that the dataset classes themselves declare."""

from __future__ import annotations

import pytest

from segue.config.builder.find import UnknownNameError, find
from segue.recipes.grammar import dataset, stems


@pytest.mark.parametrize("stem", stems("datasets"))
def test_class_counts(stem: str) -> None:
    data = dataset(stem)
    try:
        declared = find("datasets", data.type).METAINFO.get("classes")
    except UnknownNameError:
        pytest.skip(f"{data.type} is not in the house")
    chosen = data.metainfo()["classes"] if data.metainfo else declared
    if chosen is not None and data.type != "NYUDataset":  # depth has no classes to predict
        assert len(chosen) == data.num_classes


def test_file_names_do_not_hide_each_other() -> None:
    """A name is read by the longest file name that starts it, so a longer one must come before a shorter."""
    for folder in ("methods", "datasets"):
        lengths = [len(stem) for stem in stems(folder)]
        assert lengths == sorted(lengths, reverse=True)
