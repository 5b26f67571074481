"""The published datasets: a contract over every dataset class that the room's files define."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import segue.datasets
from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.cityscapes import CityscapesDataset
from segue.datasets.pascal_voc import PascalVOCDataset
from segue.errors import InputError


def _all_datasets():
    found = {}
    for module in pkgutil.iter_modules(segue.datasets.__path__):
        for name, value in vars(importlib.import_module(f"segue.datasets.{module.name}")).items():
            own = inspect.isclass(value) and value.__module__ == f"segue.datasets.{module.name}"
            if own and name.endswith(("Dataset", "Dataset59", "_v1", "_v2")):
                assert name.lower().startswith(module.name.replace("_", "")), f"{name} in {module.name}.py"
                found[name] = value
    return found


DATASETS = {name: value for name, value in _all_datasets().items() if getattr(value, "METAINFO", None)}

#: (classes, reduce_zero_label, a class and its id), from the datasets' own documentation
KNOWN = {
    "ADE20KDataset": (150, True, "flag", 149),
    "BDD100KDataset": (19, False, "bicycle", 18),
    "COCOStuffDataset": (171, False, "wood", 170),
    "CamVidDataset": (11, False, "bicyclist", 10),
    "ChaseDB1Dataset": (2, False, "vessel", 1),
    "CityscapesDataset": (19, False, "car", 13),
    "DRIVEDataset": (2, False, "vessel", 1),
    "DarkZurichDataset": (19, False, "car", 13),
    "HRFDataset": (2, False, "vessel", 1),
    "ISPRSDataset": (6, True, "clutter", 5),
    "LEVIRCDDataset": (2, False, "changed", 1),
    "LIPDataset": (20, False, "Right-shoe", 19),
    "LoveDADataset": (7, True, "agricultural", 6),
    "MapillaryDataset_v1": (66, False, "Unlabeled", 65),
    "MapillaryDataset_v2": (124, False, "Unlabeled", 123),
    "NYUDataset": (27, False, "bookstore", 26),
    "NightDrivingDataset": (19, False, "car", 13),
    "PascalContextDataset": (60, False, "background", 0),
    "PascalContextDataset59": (59, True, "aeroplane", 0),
    "PascalVOCDataset": (21, False, "tvmonitor", 20),
    "PotsdamDataset": (6, True, "clutter", 5),
    "REFUGEDataset": (3, False, "Optic Disc", 2),
    "STAREDataset": (2, False, "vessel", 1),
    "SynapseDataset": (9, False, "stomach", 8),
    "iSAIDDataset": (16, False, "Harbor", 15),
}


@pytest.mark.parametrize("name", sorted(set(DATASETS) | set(KNOWN)))
def test_known(name):
    """Oracle: the table above."""
    dataset = DATASETS[name]
    count, reduce_zero_label, label, index = KNOWN[name]
    assert issubclass(dataset, BaseSegDataset)
    palette = dataset(lazy_init=True).metainfo["palette"]
    assert len(dataset.METAINFO["classes"]) == len(palette) == count
    assert dataset.METAINFO["classes"][index] == label
    assert dataset.REDUCE_ZERO_LABEL is reduce_zero_label
    assert palette == dataset.METAINFO.get("palette", palette)  # one is generated where there is none


def test_cityscapes_names(folder):
    """Oracle: the names of the Cityscapes archives."""
    stem = "ulm/ulm_000000_000019"
    root = folder(
        {
            f"leftImg8bit/train/{stem}_leftImg8bit.png": None,
            f"gtFine/train/{stem}_gtFine_labelTrainIds.png": [0, 255],
            f"gtFine/train/{stem}_gtFine_color.png": None,
        }
    )
    prefix = {"img_path": "leftImg8bit/train", "seg_map_path": "gtFine/train"}
    info = CityscapesDataset(data_root=str(root), data_prefix=prefix).get_data_info(0)
    assert info["seg_map_path"] == str(root / f"gtFine/train/{stem}_gtFine_labelTrainIds.png")
    assert info["num_classes"] == 19


def test_voc_needs_a_split():
    with pytest.raises(InputError, match="PascalVOCDataset: ann_file is missing; name a split such as"):
        PascalVOCDataset(data_root="VOC2012")
