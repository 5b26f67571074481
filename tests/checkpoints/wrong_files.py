"""Checkpoint files with something of a wrong kind inside a good container, by name: what hands, tools and time leave.

Every file is plain data that the reader takes, so what is tried is what comes after it: inspecting, converting,
verifying, loading, predicting, resuming. (`tests.checkpoints.safe.malicious` has the ones that the reader refuses.)
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from .safe.test_unfolded import BOMBS

State = Mapping[str, Tensor]
Make = Callable[[Path], object]
ESCAPES = "\x1b]0;pwned\x07\x1b[2J[bold]x[/bold]\u202e"
EVIL = "model = dict(type='os.system', command='touch canary')\n"
CONFIGS: dict[str, Any] = {
    "a number": 5,
    "a list": [1],
    "bytes": b"model = 5",
    "nothing": "",
    "no Python": "model = (",
    "a program": "import os\n",
    "a command": EVIL,
    "an import": "custom_imports = dict(imports=['evilmod'])\n" + EVIL,
    "a base": "_base_ = '/etc/passwd'\n",
    "its own name as base": "_base_ = './wrong.pth'\n",
    "a huge power": "x = 9**9**9\n",
    "a huge range": "x = list(range(10**12))\n",
    "a deep nest": "x = " + "[" * 5000 + "]" * 5000,
    "a megabyte": "x = '" + "y" * (1 << 20) + "'\n",
    "NUL": "model\0 = 5\n",
    "a model that is text": "model = 'x'\n",
    "a model without type": "model = dict(x=1)\n",
    "a head that is no dict": "model = dict(type='EncoderDecoder', backbone=dict(type='ResNet'), decode_head=5)",
    "a huge model": "model = dict(type='EncoderDecoder', backbone=dict(type='ResNet', base_channels=10**7))\n",
    "escapes": f"model = dict(type={ESCAPES!r})\n",
    "half a character": "model = dict(type='\ud800')\n",
    "another class": EVIL.replace("os.system", "subprocess.run"),
}
META: dict[str, Any] = {
    **{f"meta is {value!r}": value for value in ("x", 5, [1], None, b"x", 1.5, True, (), [[["x"]]])},
    **{
        f"CLASSES is {value!r}": {"CLASSES": value}
        for value in ("x", 5, [5], [None], {"a": 1}, [["a"]], b"x", [""], [])
    },
    **{
        f"palette is {value!r}": {"CLASSES": ["a", "b", "c"], "PALETTE": value}
        for value in (
            "x",
            5,
            [5],
            [[1, 2]],
            [[300, 0, 0]] * 3,
            [[-1, 0, 0]] * 3,
            [["x"] * 3] * 3,
            [[10**30] * 3] * 3,
            [None] * 3,
        )
    },
    **{
        f"dataset_meta is {value!r}": {"dataset_meta": value}
        for value in ("x", 5, [1], {"classes": 5}, {"classes": [None]}, {"classes": ["a"], "palette": "x"}, {5: 5})
    },
    **{f"cfg is {name}": {"cfg": value} for name, value in CONFIGS.items()},
    **{
        f"{key} is {value!r}": {key: value}
        for key in ("iter", "epoch", "seed", "mmengine_version", "time")
        for value in ("x", -1, 10**30, [1], float("nan"))
    },
    "classes of escapes": {"CLASSES": [ESCAPES, "b", "c"]},
    "classes of half characters": {"CLASSES": ["\ud800", "b\udc80", "c"]},
    "notes of half characters": {"\ud800": "\udfff", "exp_name": "\ud800", "env_info": "\udcff"},
    "keys that are no text": {5: 5, None: 1, (1, 2): 3},
    "names with paths": {"config": "../../etc/passwd", "exp_name": "/etc/passwd", "CLASSES": ["../a", "/b", "C:\\c"]},
    "an array of text": {"CLASSES": np.array(["a", "b", "c"])},
    "a hundred thousand classes": {"CLASSES": [f"class {i}" for i in range(100_000)]},
    "deep": {"x": json.loads("[" * 100 + "]" * 100)},
}
SECTIONS: dict[str, Any] = {
    **{
        f"{key} is {value!r}": {key: value}
        for key in (
            "message_hub",
            "optimizer",
            "param_schedulers",
            "callbacks",
            "loops",
            "hyper_parameters",
            "ema_state_dict",
        )
        for value in ("x", 5, [1], {"x": "y"})
    },
    "the future": {"pytorch-lightning_version": "99.0.0", "segue_version": 10**30, "version": {"a": 1}, "format": [2]},
    "best of another folder": {"callbacks": {"Saver": {"kept": ["/etc/passwd"], "best": {"mIoU": [1, 2, "../x"]}}}},
}


def states(good: State) -> dict[str, Any]:
    """Weights of wrong names, kinds, shapes and values."""
    name = next(iter(good))
    first = good[name]
    odd = {
        "complex": torch.ones(3, dtype=torch.complex64),
        "boolean": torch.ones(3, dtype=torch.bool),
        "half": first.half(),
        "of 64 bits": torch.ones(3, dtype=torch.int64),
        "without axes": torch.tensor(1.0),
        "empty": torch.ones(0, 3),
        "not finite": first * float("nan"),
        "infinite": first / 0,
        "double": first.double(),
        "bfloat16": first.bfloat16(),
        "of 60 axes": torch.ones([1] * 60),
        "transposed": first.transpose(0, 1),
        "a row short": first[:-1],
        "text": "x",
        "a number": 5,
        "None": None,
        "a list": [1.0],
        "a dict": {"x": first},
        "an array": first.numpy(),
        "expanded": first[:1].expand(first.shape),
    }
    return {
        **{f"state_dict is {value!r}": value for value in ("x", 5, [1], None, {}, {"w": "x"}, {"w": 5}, {"w": None})},
        **{f"a weight {what}": {**good, name: value} for what, value in odd.items()},
        **{
            f"a key {key!r}"[:40]: {**good, key: torch.ones(3)}
            for key in (
                5,
                None,
                (1, 2),
                "",
                ".",
                "a..b",
                "../x",
                "/etc/x",
                ESCAPES,
                "x" * (1 << 20),
                "a b",
                "model",
                "\ud800",
                "w\0",
            )
        },
        "no weights of the head": {k: v for k, v in good.items() if "head" not in k},
        "names in front": {f"module.model.{k}": v for k, v in good.items()},
        "two names for one": {**good, **{f"module.{k}": v for k, v in good.items()}},
        "weights below weights": {"state_dict": {"state_dict": dict(good)}},
        "twenty thousand small ones": {f"w{i}": torch.ones(1) for i in range(20_000)},
    }


def notes() -> dict[str, str]:
    """What the notes of a safetensors file say."""
    wrong = {f"config {name}": json.dumps({"config": c}) for name, c in CONFIGS.items() if not isinstance(c, bytes)}
    return wrong | {
        "no JSON": "{",
        "a number": "5",
        "a list": "[]",
        "nothing": "",
        "null": "null",
        "NaN": '{"iter": NaN}',
        "classes a number": '{"classes": 5}',
        "classes of numbers": '{"classes": [5, null]}',
        "classes a dict": '{"classes": {"a": 1}}',
        "palette text": '{"classes": ["a", "b", "c"], "palette": "x"}',
        "a deep nest": "[" * 100_000 + "]" * 100_000,
        "many digits": '{"iter": ' + "9" * 100_000 + "}",
        "escapes": json.dumps({"classes": [ESCAPES, "b", "c"]}),
        "half characters": json.dumps({"classes": ["\ud800", "b", "c"], "exp_name": "\ud800"}),
    }


def whole(good: State, config: str) -> dict[str, Any]:
    """What mmengine would write after training this model."""
    meta = {"cfg": config, "dataset_meta": {"classes": ("dark", "gray", "bright")}, "iter": 4, "epoch": 0, "seed": 0}
    return {"meta": meta, "state_dict": OrderedDict(good), "message_hub": {}, "optimizer": {}, "param_schedulers": []}


def make_files(good: State, config: str) -> dict[str, Make]:
    """Name -> what writes the file; the first is in order."""
    base = whole(good, config)
    files: dict[str, Make] = {"good": partial(torch.save, base)}
    for what, meta in META.items():
        mixed = {**base["meta"], **meta} if isinstance(meta, dict) else meta
        files[f"meta: {what}"] = partial(torch.save, {**base, "meta": mixed})
    for what, section in SECTIONS.items():
        files[f"section: {what}"] = partial(torch.save, {**base, **section})
    for what, state in states(good).items():
        files[f"weights: {what}"] = partial(torch.save, {**base, "state_dict": state})
    for what, value in {
        "text": "x",
        "a number": 5,
        "a list": [good],
        "None": None,
        "a set": {1},
        "a tensor": torch.ones(3),
        "bytes": b"x",
        "a deep nest": META["deep"],
    }.items():
        files[f"all of it: {what}"] = partial(torch.save, value)
    for what, bomb in BOMBS.items():
        files[f"bomb: {what}"] = partial(torch.save, bomb)
    for what, text in notes().items():
        files[f"notes: {what}"] = partial(_noted, dict(good), text)
    for share in (1, 20, 50, 80, 95, 99.9):
        files[f"cut: {share} % of zip"] = partial(_cut, partial(torch.save, base), share)
        files[f"cut: {share} % of safetensors"] = partial(_cut, partial(save_file, dict(good)), share)
    files["future: zip of version 99"] = partial(_future, base)
    files["future: notes"] = partial(_noted, dict(good), json.dumps({"format": 99, "config": config}))
    return {name: (lambda path, make=make: make(path)) for name, make in files.items()}


def _noted(good: dict[str, Tensor], text: str, path: Path) -> None:
    save_file(good, path, metadata={"format": "pt", "segue": text})


def _cut(make: Make, share: float, path: Path) -> None:
    make(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share / 100)])


def _future(value: Any, path: Path) -> None:
    """A zip archive that a later torch says it wrote."""
    torch.save(value, path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            changed = b"99\n" if name.endswith("/version") else content
            archive.writestr(name, changed)


def strange_names() -> list[str]:
    """Names of files that a terminal, a table or a path could take for something else."""
    return [
        "a b.pth",
        "new\nline.pth",
        "\x1b[2J.pth",
        "[bold]x[red].pth",
        "-dash.pth",
        "é日本.pth",
        "%s{x}.pth",
        "..pth",
        "x.safetensors.pth",
        "quote'\".pth",
        "no suffix",
        ".pth",
        "{{ fileDirname }}.pth",
    ]


def header(text: bytes) -> bytes:
    """The beginning of a safetensors file."""
    return struct.pack("<Q", len(text)) + text
