"""mmengine.utils, device and config: the smaller questions and conversions."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

TORCH_VERSION = str(torch.__version__)


def iter_cast(inputs: Any, dst_type: type, return_type: Any = None) -> Any:
    """Each item as ``dst_type``."""
    if not isinstance(inputs, Iterable):
        raise TypeError("inputs must be an iterable object")
    items = map(dst_type, inputs)
    return items if return_type is None else return_type(items)


list_cast = functools.partial(iter_cast, return_type=list)
tuple_cast = functools.partial(iter_cast, return_type=tuple)


def slice_list(in_list: list[Any], lens: Any) -> list[list[Any]]:
    """A list in parts of the given lengths, or of one length."""
    lens = [lens] * (len(in_list) // lens) if isinstance(lens, int) else lens
    if sum(lens) != len(in_list):
        raise ValueError(f"sum of lens and list length does not match: {sum(lens)} != {len(in_list)}")
    items = iter(in_list)
    return [[next(items) for _ in range(count)] for count in lens]


def concat_list(in_list: Iterable[Iterable[Any]]) -> list[Any]:
    """Lists to one list."""
    return [item for part in in_list for item in part]


def is_filepath(x: Any) -> bool:
    """Whether a value is a path."""
    return isinstance(x, (str, Path))


def is_abs(path: str) -> bool:
    """Whether a path is absolute, or an address."""
    return os.path.isabs(path) or path.startswith(("http://", "https://", "s3://"))


def fopen(filepath: Any, *args: Any, **kwargs: Any) -> Any:
    """An open file."""
    if not is_filepath(filepath):
        raise ValueError("`filepath` should be a string or a Path")
    return open(filepath, *args, **kwargs)


def symlink(src: Any, dst: Any, overwrite: bool = True, **kwargs: Any) -> None:
    """A link, in the place of an old one."""
    if os.path.lexists(dst) and overwrite:
        os.remove(dst)
    os.symlink(src, dst, **kwargs)


def is_installed(package: str) -> bool:
    """Whether a distribution or a module of that name is installed."""
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return importlib.util.find_spec(package) is not None if package.isidentifier() else False
    return True


def get_installed_path(package: str) -> str:
    """The folder of an installed package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise importlib.metadata.PackageNotFoundError(f"{package} is not installed as a package")
    return str(next(iter(spec.submodule_search_locations)))


def call_command(cmd: list[str]) -> None:
    """Run a program."""
    subprocess.check_call(cmd)


def check_prerequisites(prerequisites: Any, checker: Callable[[str], bool], msg_tmpl: str = "Prerequisites {} are required in method {} but not found, please install them first.") -> Any:  # fmt: skip  # noqa: E501
    """A decorator: the function runs where everything it needs is there."""
    names = [prerequisites] if isinstance(prerequisites, str) else prerequisites

    def decorator(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            lacks = [name for name in names if not checker(name)]
            if lacks:
                raise RuntimeError(msg_tmpl.format(", ".join(lacks), function.__name__))
            return function(*args, **kwargs)

        return wrapper

    return decorator


def requires_package(prerequisites: Any) -> Any:
    """A decorator: the function needs modules."""
    return check_prerequisites(prerequisites, lambda name: importlib.util.find_spec(name) is not None)


def requires_executable(prerequisites: Any) -> Any:
    """A decorator: the function needs programs."""
    return check_prerequisites(prerequisites, lambda name: shutil.which(name) is not None)


def deprecated_function(since: str, removed_in: str, instructions: str) -> Any:
    """A decorator: a call warns."""

    def decorator(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            text = f"{function.__name__} is deprecated since {since}, removed in {removed_in}. Please {instructions}."
            warnings.warn(text, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return wrapper

    return decorator


def apply_to(data: Any, expr: Callable[[Any], bool], apply_func: Callable[[Any], Any]) -> Any:
    """``apply_func`` of everything within ``data`` that ``expr`` holds for."""
    if isinstance(data, dict):
        return type(data)({key: apply_to(value, expr, apply_func) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(apply_to(item, expr, apply_func) for item in data))
    if isinstance(data, (list, tuple)):
        return type(data)(apply_to(item, expr, apply_func) for item in data)
    return apply_func(data) if expr(data) else data


def track_progress_rich(
    func: Callable[..., Any], tasks: Any = (), task_num: int | None = None, nproc: int = 1, chunksize: int = 1,
    description: str = "Processing", color: str = "blue",
) -> list[Any]:  # fmt: skip
    """The results of ``func(task)``, with a progress bar; with ``nproc`` processes in the order of the tasks."""
    from segue.compat.mmengine.tools import track_parallel_progress, track_progress

    counted = list(tasks) if task_num is None or not isinstance(tasks, Iterator) else (tasks, task_num)
    if nproc == 1:
        return track_progress(func, counted)
    return track_parallel_progress(func, counted, nproc, chunksize=chunksize)


def load_url(url: str, model_dir: Any = None, map_location: Any = None, **kwargs: Any) -> Any:
    """The state of a checkpoint at an address, read without executing any of it."""
    from segue.checkpoints import fetch, read

    found = read(fetch(url))
    return {"state_dict": found.state_dict, "meta": found.meta}


def has_batch_norm(model: nn.Module) -> bool:
    """Whether a model has batch normalization."""
    return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())


def mmcv_full_available() -> bool:
    """False: there are no compiled operators."""
    return False


def set_multi_processing(mp_start_method: str = "fork", opencv_num_threads: int = 0, distributed: bool = False) -> None:
    """How workers start, and the threads of OpenCV."""
    import cv2

    torch.multiprocessing.set_start_method(mp_start_method, force=True)
    cv2.setNumThreads(opencv_num_threads)
    if distributed:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")


def torch_meshgrid(*tensors: Tensor) -> Any:
    """torch.meshgrid with the first axis first."""
    return torch.meshgrid(*tensors, indexing="ij")


def is_jit_tracing() -> bool:
    """Whether torch.jit traces."""
    return torch.jit.is_tracing()  # type: ignore[attr-defined]


def tensor2imgs(
    tensor: Tensor, mean: Any = None, std: Any = None, to_bgr: bool = True, to_rgb: bool | None = None
) -> list[Any]:
    """Normalized images (B, 3 or 1, H, W) back to pictures (H, W, 3), uint8; mmcv calls ``to_bgr`` so: ``to_rgb``."""
    from segue.compat.mmcv.images import imdenormalize

    channels = tensor.shape[1]
    if tensor.ndim != 4 or channels not in (1, 3):
        raise AssertionError(f"images (B, 3 or 1, H, W) are needed, not {tuple(tensor.shape)}")
    swap = (to_bgr if to_rgb is None else to_rgb) and channels == 3
    low, spread = mean or (0,) * channels, std or (1,) * channels
    out = []
    for image in tensor.detach().cpu().numpy().transpose(0, 2, 3, 1):
        found = imdenormalize(image, np.asarray(low, np.float32), np.asarray(spread, np.float32), to_bgr=swap)
        out.append(np.ascontiguousarray(found.astype(np.uint8)))
    return out


def no_accelerator() -> bool:
    """False: of this kind of accelerator Segue knows nothing."""
    return False


is_mlu_available = is_npu_available = is_dipu_available = is_musa_available = no_accelerator
is_npu_support_full_precision = no_accelerator
IS_MLU_AVAILABLE = IS_NPU_AVAILABLE = False
IS_CUDA_AVAILABLE = torch.cuda.is_available()


def is_mps_available() -> bool:
    """Whether there is a GPU of Apple's."""
    return torch.backends.mps.is_available()


IS_MPS_AVAILABLE = is_mps_available()


def get_max_cuda_memory(device: Any = None) -> int:
    """The most GPU memory that was used, in MiB."""
    found = int(torch.cuda.max_memory_allocated(device)) // 2**20
    torch.cuda.reset_peak_memory_stats()
    return found


def merge_dict(*args: dict[str, Any]) -> dict[str, Any]:
    """Dicts to one; the same key twice is an error."""
    out: dict[str, Any] = {}
    for item in args:
        for key, value in item.items():
            if key in out:
                raise ValueError(f"{key} is duplicated in two different dicts")
            out[key] = value
    return out


def jit(func: Any = None, **kwargs: Any) -> Any:
    """A decorator that leaves the function as it is."""
    return func if func is not None else lambda function: function


def skip_no_elena(func: Any) -> Any:
    """A decorator that leaves the function as it is."""
    return func


def parse_version_info(version_str: str, length: int = 4) -> tuple[Any, ...]:
    """``'2.1.0rc1'`` to ``(2, 1, 0, 0, 'rc', 1)``, ``'2.1.0'`` to ``(2, 1, 0, 0, 0, 0)``."""
    import re

    found = re.match(r"([\d.]+?)\.?(a|b|rc)?(\d*)$", version_str.split("+")[0])
    digits = [int(part) for part in (found[1] if found else version_str).split(".") if part.isdigit()]
    release = (digits + [0] * length)[:length]
    kind = (found[2], int(found[3] or 0)) if found and found[2] else (0, 0)
    return (*release, *kind)


def quantize(arr: Any, min_val: float, max_val: float, levels: int, dtype: Any = np.int64) -> Any:
    """Numbers to 0..levels - 1."""
    if not (isinstance(levels, int) and levels > 1) or min_val >= max_val:
        raise ValueError("levels must be a positive integer above 1, min_val below max_val")
    arr = np.clip(arr, min_val, max_val) - min_val
    return np.minimum(np.floor(levels * arr / (max_val - min_val)).astype(dtype), levels - 1)


def dequantize(arr: Any, min_val: float, max_val: float, levels: int, dtype: Any = np.float64) -> Any:
    """Back, to the middle of each level."""
    if not (isinstance(levels, int) and levels > 1) or min_val >= max_val:
        raise ValueError("levels must be a positive integer above 1, min_val below max_val")
    return (arr + 0.5).astype(dtype) * (max_val - min_val) / levels + min_val


def get_metric_value(indicator: str, metrics: dict[str, Any]) -> Any:
    """The value of a metric by its name, with or without its prefix."""
    found = [value for name, value in metrics.items() if indicator == name or name.endswith(f"/{indicator}")]
    if len(found) != 1:
        raise ValueError(f"{len(found)} metrics are named {indicator!r}; there are {sorted(metrics)}")
    return found[0]
