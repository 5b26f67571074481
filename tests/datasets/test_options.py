"""Options that datasets share: flat in a config, flat or as an object in Python, refused where they mean nothing."""

from __future__ import annotations

import inspect
from functools import partial
from pathlib import Path

import pytest

from segue.config import Config
from segue.config.builder.build import build_dataset, check
from segue.config.builder.find import find, names
from segue.config.builder.signature import signature
from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.decathlon import DecathlonDataset
from segue.datasets.folder import FolderDataset
from segue.datasets.multilabel import MultilabelDataset
from segue.datasets.nyu import NYUDataset
from segue.datasets.options import DatasetOptions
from segue.errors import InputError


def test_keywords_are_fields(tmp_path: Path) -> None:
    given = {"classes": ["a", "b"], "lazy_init": True, "ignore_index": 7, "max_refetch": 3}
    dataset = FolderDataset(str(tmp_path), **given)  # type: ignore[arg-type]
    assert (dataset.void, dataset.max_refetch, dataset.test_mode) == (7, 3, False)
    mixed = BaseSegDataset(options=DatasetOptions(lazy_init=True, max_refetch=5), ignore_index=9)
    assert (mixed.void, mixed.max_refetch) == (9, 5)
    assert mixed.options == DatasetOptions(lazy_init=True, max_refetch=5, ignore_index=9)
    with pytest.raises(TypeError, match="unexpected keyword argument 'ignore_idx'"):
        BaseSegDataset(ignore_idx=3)  # type: ignore[call-arg]


def test_a_subclass_of_the_users_may_pass_keywords_on() -> None:
    class Mine(BaseSegDataset):
        METAINFO = {"classes": ("a", "b")}  # noqa: RUF012

        def __init__(self, answer: int, **kwargs: object) -> None:
            self.answer = answer
            super().__init__(lazy_init=True, **kwargs)  # type: ignore[arg-type]

    assert Mine(42, reduce_zero_label=True, test_mode=True).reduce_zero_label


def test_a_config_says_them_flat(tmp_path: Path) -> None:
    text = f"data = dict(type='FolderDataset', data_root={str(tmp_path)!r}, classes=['a'], lazy_init=True, indices=3)"
    assert build_dataset(Config.fromstring(text, ".py"), "data").indices == 3
    wrong = Config.fromstring("data = dict(type='NYUDataset', labelmap={1: 0}, pack='x', test_mod=True)", ".py")
    problems = "\n".join(map(str, check(wrong, {"data": "datasets"})))
    assert "NYUDataset has no argument 'pack'" in problems
    assert "NYUDataset has no argument 'test_mod'; did you mean 'test_mode'?" in problems


def test_options_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="NYUDataset: label_map has no meaning for a dataset of this kind; leave it"):
        NYUDataset(label_map={1: 0}, lazy_init=True)
    with pytest.raises(InputError, match="MultilabelDataset: reduce_zero_label has no meaning"):
        MultilabelDataset(str(tmp_path), classes=["a"], reduce_zero_label=True)
    assert "pack" in DecathlonDataset.UNFIT


@pytest.mark.parametrize("name", [name for name in names("datasets") if name.endswith("Dataset")])
def test_every_dataset_takes_all_that_fit(name: str) -> None:
    """None has drifted: a dataset takes every field of the options, but for those that it refuses by name."""
    target = find("datasets", name)
    cls = target.func if isinstance(target, partial) else target
    if not issubclass(cls, BaseSegDataset):
        return
    fields = {field for field in inspect.signature(DatasetOptions).parameters if field not in cls.UNFIT}
    assert fields <= set(signature(target)[0])
