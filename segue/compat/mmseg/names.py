"""Class names, colors and small functions of mmseg.utils and mmseg.core."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from segue.compat.mmcv.parallel import MMDataParallel, MMDistributedDataParallel
from segue.config.builder.find import UnknownNameError, find, names
from segue.datasets.palette import generate_palette
from segue.errors import nearest

#: short names that scripts use -> dataset classes of Segue
DATASETS = {
    "cityscapes": "CityscapesDataset",
    "ade": "ADE20KDataset",
    "ade20k": "ADE20KDataset",
    "voc": "PascalVOCDataset",
    "pascal_voc": "PascalVOCDataset",
    "voc12": "PascalVOCDataset",
    "voc12aug": "PascalVOCDataset",
    "pcontext": "PascalContextDataset59",
    "pascal_context": "PascalContextDataset59",
    "voc2010": "PascalContextDataset59",
    "pcontext59": "PascalContextDataset59",
    "loveda": "LoveDADataset",
    "potsdam": "PotsdamDataset",
    "vaihingen": "ISPRSDataset",
    "cocostuff": "COCOStuffDataset",
    "cocostuff10k": "COCOStuffDataset",
    "cocostuff164k": "COCOStuffDataset",
    "coco_stuff": "COCOStuffDataset",
    "isaid": "iSAIDDataset",
    "stare": "STAREDataset",
    "drive": "DRIVEDataset",
    "chase_db1": "ChaseDB1Dataset",
    "hrf": "HRFDataset",
    "lip": "LIPDataset",
    "synapse": "SynapseDataset",
    "refuge": "REFUGEDataset",
    "mapillary_v1": "MapillaryDataset_v1",
    "mapillary_v2": "MapillaryDataset_v2",
    "bdd100k": "BDD100KDataset",
}
_VERSION = re.compile(
    r"v?(?P<release>\d+(\.\d+)*)([._-]?(?P<pre>alpha|a|beta|b|preview|pre|rc|c)[._-]?(?P<number>\d*))?"
    r"([._-]?(post|rev|r)[._-]?(?P<post>\d*))?([._-]?(?P<dev>dev)[._-]?\d*)?(\+[a-z0-9._-]+)?"
)
ConfigType = Mapping[str, Any]
OptConfigType = Mapping[str, Any] | None
MultiConfig = Mapping[str, Any] | Sequence[Mapping[str, Any]]
OptMultiConfig = MultiConfig | None
TensorDict = dict[str, Tensor]
TensorList = Sequence[Tensor]
ForwardResults = Any
SampleList = Sequence[Any]
OptSampleList = Sequence[Any] | None


def _metainfo(dataset: str) -> Mapping[str, Any]:
    if not isinstance(dataset, str):
        raise TypeError(f"dataset must be a str, the name of one, but got {type(dataset).__name__}")
    name = DATASETS.get(dataset.lower().replace("coco-stuff", "cocostuff"), dataset)
    try:
        return find("datasets", name).METAINFO  # type: ignore[attr-defined]
    except UnknownNameError as error:
        hint = nearest(dataset, [*DATASETS, *names("datasets")])
        raise ValueError(f"Unrecognized dataset: {dataset}{hint}") from error


def get_classes(dataset: str) -> list[str]:
    """The class names of a dataset."""
    return list(_metainfo(dataset)["classes"])


def get_palette(dataset: str) -> list[list[int]]:
    """The colors of a dataset."""
    info = _metainfo(dataset)
    return [list(color) for color in info.get("palette") or generate_palette(info["classes"])]


def __getattr__(name: str) -> Any:
    """``cityscapes_classes``, ``ade_palette`` ...: functions without arguments."""
    dataset, _, what = name.rpartition("_")
    if what in ("classes", "palette") and dataset.lower() in DATASETS:
        getter = get_classes if what == "classes" else get_palette
        return lambda: getter(dataset)
    raise AttributeError(name)


def add_prefix(inputs: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """``{"loss": x}`` to ``{"decode.loss": x}``."""
    return {f"{prefix}.{name}": value for name, value in inputs.items()}


def collect_env() -> dict[str, str]:
    """What the run stands on."""
    from segue.version import __version__

    return {
        "Python": platform.python_version(),
        "PyTorch": str(torch.__version__),
        "CUDA available": str(torch.cuda.is_available()),
        "Segue": __version__,
    }


def digit_version(version_str: str, length: int = 4) -> tuple[int, ...]:
    """``'1.13.1+cpu'`` to ``(1, 13, 1, 0, 0, 0)``, for comparing; the last two say what comes before or after it.

    Raises:
        ValueError: the text is no version.
    """
    found = _VERSION.fullmatch(version_str.strip().lower())
    if found is None:
        raise ValueError(f"Invalid version: {version_str!r}")
    digits = ([int(digit) for digit in found["release"].split(".")] + [0] * length)[:length]
    if found["pre"]:
        return (*digits, {"a": -3, "b": -2}.get(found["pre"][0], -1), int(found["number"] or 0))
    if found["dev"] is not None:
        return (*digits, -4, 0)
    return (*digits, 0, 0) if found["post"] is None else (*digits, 1, int(found["post"] or 0))


def parse_version_info(version_str: str) -> tuple[int | str, ...]:
    """``'1.0.0rc5'`` to ``(1, 0, 0, 'rc5')``."""
    found: list[int | str] = []
    for part in version_str.split("."):
        number, mark, candidate = part.partition("rc")
        if number.isdigit():
            found += [int(number), *([f"rc{candidate}"] if mark else [])]
    return tuple(found)


def get_device() -> str:
    """The device that Segue would train on."""
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def is_cuda_available() -> bool:
    """Whether there is a GPU of NVIDIA's."""
    return torch.cuda.is_available()


def get_git_hash(fallback: str = "unknown", digits: int | None = None) -> str:
    """No repository is asked."""
    return fallback


def build_dp(model: Any, device: str = "cuda", dim: int = 0, **kwargs: Any) -> Any:
    """The model in `MMDataParallel`, for a loop of testing of a script's own."""
    if device == "cuda" and torch.cuda.is_available():
        model = model.cuda(kwargs["device_ids"][0])
    return MMDataParallel(model, dim=dim, **kwargs)


def build_ddp(model: Any, device: str = "cuda", **kwargs: Any) -> Any:
    """The model in `MMDistributedDataParallel`; in `MMDataParallel` where one process runs."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return build_dp(model, device, **kwargs)
    if device == "cuda" and torch.cuda.is_available():
        return MMDistributedDataParallel(model.cuda(), **kwargs)
    return MMDistributedDataParallel(model, **{**kwargs, "device_ids": None})


def setup_multi_processes(cfg: Any) -> None:
    """Nothing to do: ``env_cfg`` is read where it counts."""
