"""The names that a checkpoint may mention, and what each becomes. Anything that is not here refuses the file.

Three kinds: plain data that Segue builds itself (``BUILDERS``), constants (dtypes, storage classes), and classes of
the toolboxes that write checkpoints, whose objects become stand-ins. Functions of those toolboxes are not among them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segue.checkpoints.safe import arrays, plain, storages
from segue.checkpoints.safe.inert import Method, Name
from segue.checkpoints.safe.limits import Budget


def from_type(budget: Budget, build: Any = None, kind: Any = None, args: Any = (), *_: Any) -> Any:
    """``torch._tensor._rebuild_from_type_v2``: a tensor of a subclass comes back as a plain tensor."""
    if not isinstance(build, Name) or (build.module, build.name) not in TENSORS or type(args) is not tuple:
        raise budget.refused(f"holds a tensor of the kind {kind}, which Segue does not read")
    return TENSORS[build.module, build.name](budget, *args)


def attribute(budget: Budget, owner: Any = None, name: Any = None, *_: Any) -> Method:
    """``getattr``: every mmengine file stores the methods of its history buffers by name. A longer name comes out."""
    foreign = isinstance(owner, Name) and owner.build is None and owner.module.partition(".")[0] in PACKAGES
    if not foreign or type(name) is not str or not name.isidentifier():
        raise budget.refused("names builtins.getattr, which has no place in a checkpoint and could run code")
    budget.charge(200)
    return Method(owner.module, f"{owner.name}.{name}")


def unreadable(what: str) -> Callable[..., Any]:
    """A tensor kind that is refused with its name."""

    def build(budget: Budget, *_: Any) -> Any:
        raise budget.refused(f"holds {what}, which Segue does not read")

    return build


# The table ------------------------------------------------------------------------------------------------------------

UTILS = "torch._utils"

TENSORS: dict[tuple[str, str], Callable[..., Any]] = {
    (UTILS, "_rebuild_tensor"): storages.tensor,
    (UTILS, "_rebuild_tensor_v2"): storages.tensor,
    (UTILS, "_rebuild_tensor_v3"): storages.tensor_of_dtype,
    (UTILS, "_rebuild_parameter"): storages.parameter,
    (UTILS, "_rebuild_parameter_with_state"): storages.parameter,
}

BUILDERS: dict[tuple[str, str], Callable[..., Any]] = {
    **TENSORS,
    ("torch._tensor", "_rebuild_from_type_v2"): from_type,
    ("torch.nn.parameter", "Parameter"): storages.parameter,
    ("torch.nn.parameter", "Buffer"): storages.parameter,
    (UTILS, "_rebuild_sparse_tensor"): unreadable("a sparse tensor"),
    (UTILS, "_rebuild_sparse_csr_tensor"): unreadable("a sparse tensor"),
    (UTILS, "_rebuild_qtensor"): unreadable("a quantised tensor"),
    (UTILS, "_rebuild_nested_tensor"): unreadable("a nested tensor"),
    (UTILS, "_rebuild_meta_tensor_no_storage"): unreadable("a tensor without data (device meta)"),
    (UTILS, "_rebuild_device_tensor_from_numpy"): unreadable("a tensor of an XLA-like device"),
    (UTILS, "_rebuild_device_tensor_from_cpu_tensor"): unreadable("a tensor of an XLA-like device"),
    (UTILS, "_rebuild_wrapper_subclass"): unreadable("a wrapped tensor (DTensor or the like)"),
    ("torch", "Size"): plain.plain_tuple,
    ("torch", "device"): plain.device,
    ("torch.serialization", "_get_layout"): plain.text,
    ("torch.torch_version", "TorchVersion"): plain.text,
    ("collections", "OrderedDict"): plain.ordered_dict,
    ("collections", "defaultdict"): lambda budget, factory=None, *args: plain.plain_dict(budget, *args),
    ("collections", "Counter"): plain.plain_dict,
    ("collections", "deque"): plain.plain_list,
    ("builtins", "dict"): plain.plain_dict,
    ("builtins", "list"): plain.plain_list,
    ("builtins", "tuple"): plain.plain_tuple,
    ("builtins", "set"): plain.plain_set,
    ("builtins", "frozenset"): plain.plain_frozenset,
    ("builtins", "bytes"): plain.plain_bytes,
    ("builtins", "bytearray"): plain.plain_bytearray,
    ("builtins", "int"): plain.number(int),
    ("builtins", "float"): plain.number(float),
    ("builtins", "bool"): plain.number(bool),
    ("builtins", "complex"): plain.number(complex),
    ("builtins", "str"): plain.text,
    ("builtins", "slice"): plain.plain_slice,
    ("_codecs", "encode"): plain.encoded,
    ("builtins", "getattr"): attribute,
    ("copyreg", "_reconstructor"): plain.reconstructed,
    ("numpy", "dtype"): arrays.array_type,
    **{
        (f"{package}.{name}", function): build
        for package in ("numpy.core", "numpy._core")
        for name, function, build in (
            ("multiarray", "scalar", arrays.scalar),
            ("multiarray", "_reconstruct", arrays.announce_array),
            ("numeric", "_frombuffer", arrays.array_from_buffer),
        )
    },
    **{
        (module, f"{flavor}{system}Path"): plain.text
        for module in ("pathlib", "pathlib._local")
        for flavor in ("", "Pure")
        for system in ("", "Posix", "Windows")
    },
}

#: Kinds of dict of config libraries: their objects come back as plain dicts.
DICT_CLASSES = ("ConfigDict", "AttributeDict", "EasyDict", "CfgNode", "Dict", "DotDict")

#: Packages whose classes may be mentioned; their objects become stand-ins.
PACKAGES = (
    "mmengine", "mmcv", "mmseg", "mmcls", "mmpretrain", "mmdet", "mmdet3d", "mmselfsup", "mmpose", "mmrazor", "mmagic",
    "numpy", "torch", "torchvision", "torchmetrics", "timm", "segue",
    "lightning", "pytorch_lightning", "lightning_fabric", "lightning_utilities",
    "omegaconf", "addict", "yacs", "fvcore", "easydict", "detectron2",
)  # fmt: skip

#: Further names that describe data and are kept as stand-ins.
INERT = {
    ("argparse", "Namespace"), ("types", "SimpleNamespace"), ("typing", "Any"), ("typing", "Union"),
    ("datetime", "datetime"), ("datetime", "date"), ("datetime", "time"), ("datetime", "timedelta"),
    ("datetime", "timezone"), ("uuid", "UUID"), ("decimal", "Decimal"), ("builtins", "object"),
    ("numpy", "ndarray"), ("numpy", "generic"), ("numpy", "str_"), ("numpy", "longdouble"),
    ("numpy.random._pickle", "__randomstate_ctor"), ("numpy.random._pickle", "__generator_ctor"),
    ("numpy.random._pickle", "__bit_generator_ctor"),
    *(("numpy", name) for name in arrays.NUMBER_CLASSES),
}  # fmt: skip

OLD_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}  # Python 2's names
QUANTISED = ("QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage")


def resolve(budget: Budget, module: str, name: str) -> Any:
    """What ``module.name`` becomes; a ``CheckpointError`` if it has no place in a checkpoint."""
    module = OLD_MODULES.get(module, module)
    if (module, name) in BUILDERS:
        return Name(module, name, BUILDERS[module, name])
    if module == "torch" and name in storages.DTYPES:
        return storages.DTYPES[name]
    if module in ("torch", "torch.cuda", "torch.storage") and name in storages.STORAGE_DTYPES:
        return storages.StorageType(storages.STORAGE_DTYPES[name])
    if module == "torch" and (name in QUANTISED or name.startswith(("qint", "quint"))):
        raise budget.refused("holds quantised tensors, which Segue does not read")
    if (module, name) in INERT:
        return Name(module, name)
    # A class is written in capitals; a function, which could only be wanted in order to be called, is not.
    package = module.partition(".")[0]
    if package in PACKAGES and name.isidentifier() and name[0].isupper() and module.replace(".", "").isidentifier():
        return Name(module, name, plain.plain_dict if name in DICT_CLASSES else None)
    shown = f"{module}.{name}"[:120].encode("unicode_escape").decode()
    raise budget.refused(f"names {shown}, which has no place in a checkpoint and could run code")
