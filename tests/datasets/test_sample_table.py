"""Long lists of samples are kept in blocks of memory and read as before."""

from __future__ import annotations

import pytest
import torch.multiprocessing

from segue.datasets import sample_table
from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.sample_table import SampleTable, tabulated


def rows(count: int = 30) -> list[dict[str, str]]:
    return [
        {
            "img_path": f"data/images/town_{i}/é{i:03d}_photo.jpg",
            "seg_map_path": f"data/labels/town_{i}/é{i:03d}_mask.png",
        }
        for i in range(count)
    ]


def test_reads_as_the_list() -> None:
    table = SampleTable(rows())
    assert list(table) == rows()
    assert table[-1] == rows()[-1]
    assert table[3:9:2] == rows()[3:9:2]
    assert len(table) == 30
    with pytest.raises(IndexError, match="30 samples, no sample 30"):
        table[30]


def test_names_shared_by_both_columns_are_kept_once() -> None:
    """Hand-counted: of each name ``<i>/é<iii>`` remains, with 2 bytes for é; and 8 bytes for its end."""
    table = SampleTable(rows())
    assert table.nbytes == sum(len(f"{i}/é{i:03d}") + 1 for i in range(30)) + 30 * 8


@pytest.mark.parametrize("names", [["same", "same"], ["", "a"], ["ab", "abab"], ["\udcff", "x"], ["one"]])
def test_strange_names(names) -> None:
    """Equal, empty, overlapping, not decodable, alone."""
    given = [{"img_path": name} for name in names]
    assert list(SampleTable(given)) == given


def test_only_long_lists_of_texts_become_tables(monkeypatch) -> None:
    class Path(str):
        pass

    assert isinstance(tabulated(rows()), list)
    monkeypatch.setattr(sample_table, "_MANY", 3)
    assert isinstance(tabulated(rows()), SampleTable)
    table = tabulated(rows())
    assert tabulated(table) is table
    for odd in ({"img_path": "a", "seg_map_path": 1}, {"img_path": "a"}, {"img_path": "a", "seg_map_path": Path("b")}):
        assert isinstance(tabulated([*rows(), odd]), list)


def _read(table: SampleTable) -> bool:
    return list(table) == rows() and table._columns["img_path"].middles.is_shared()


def test_spawned_workers_share_it() -> None:
    context = torch.multiprocessing.get_context("spawn")

    with context.Pool(1) as pool:
        assert pool.apply(_read, (SampleTable(rows()),))


def test_datasets_use_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sample_table, "_MANY", 3)
    for folder, suffix in (("images", ".jpg"), ("labels", ".png")):
        (tmp_path / folder).mkdir()
        for i in range(5):
            (tmp_path / folder / f"{i}{suffix}").touch()
    arguments = {
        "data_root": str(tmp_path),
        "data_prefix": {"img_path": "images", "seg_map_path": "labels"},
        "metainfo": {"classes": ("a", "b", "c")},
    }
    dataset, plain = BaseSegDataset(**arguments), BaseSegDataset(**arguments, serialize_data=False)
    assert isinstance(dataset.data_list, SampleTable)
    assert isinstance(plain.data_list, list)
    assert [dataset.get_data_info(i) for i in range(5)] == [plain.get_data_info(i) for i in range(5)]
    assert [info["img_path"] for info in BaseSegDataset(**arguments, indices=[4, 1, 2]).data_list] == [
        str(tmp_path / f"images/{i}.jpg") for i in (4, 1, 2)
    ]
