"""Functions that a dataloader names: the user's are called, by the rule of trust; what goes wrong names its samples."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.cli import main
from segue.config.builder.register import register, registered
from segue.config.trust import Rights
from segue.errors import ConfigError, DataError
from segue.training.collating import Own, batch_of, read_own
from segue.training.data import read_loader
from segue.training.lost_workers import lost_worker
from segue.types import SegSample
from tests.cli.project import make_project

PROJECT = """
import os
from os import system
from shutil import rmtree
import torch
from segue import register
from segue.datasets.collate import collate

def say(text):
    with open("called", "a") as file:
        file.write(text)

@register
def doubled(batch, factor=1.0):
    made = collate(batch)
    made["inputs"] = [(image * factor).to(torch.uint8) for image in made["inputs"]]
    say(f"{factor} ")
    return made

@register
def listed(batch):
    return list(batch)

@register
def one_short(batch):
    made = collate(batch)
    return {**made, "inputs": made["inputs"][:-1]}

@register
def raising(batch):
    return {}["nothing"]

@register
def prepared(number, word="x"):
    with open(f"worker_{number}", "w") as file:
        file.write(word)

@register
def ending(number):
    os.kill(os.getpid(), 9)

class Collater:
    def __init__(self, size=1):
        self.size = size
    def __call__(self, batch):
        say(f"class {self.size} ")
        return collate(batch)

class Step:
    def __call__(self, sample):
        raise KeyError("depth")

class Data(torch.utils.data.Dataset):
    metainfo = dict(classes=["a", "b", "c"])
    def __len__(self):
        return 8
    def __getitem__(self, index):
        return [0][index]
"""


TAKEN = {"train": "mine", "val": "pseudo_collate"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    before = dict(registered)
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(PROJECT)
    make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield name
    sys.modules.pop(name, None)
    registered.clear()
    registered.update(before)


def imported(project: str) -> str:
    """The line of a config that makes what the project registers known."""
    return f"custom_imports = dict(imports=['{project}'])"


def train(*edits: str) -> int:
    Path("child.py").write_text("\n".join(["_base_ = 'config.py'", *edits]))
    return main(["train", "child.py", "--work-dir", "work", "--accelerator", "cpu"])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_registered_function(workers: int, project: str, capsys: pytest.CaptureFixture[str]) -> None:
    loader = f"num_workers={workers}, collate_fn=dict(type='doubled', factor=0.5)"
    assert train(imported(project), f"train_dataloader = dict({loader})") == 0
    assert Path("called").read_text().split().count("0.5") >= 4
    assert f"importing {project}, which custom_imports names" in capsys.readouterr().err


def test_a_class_by_its_import_path(project: str) -> None:
    edit = f"collate_fn=dict(type='{project}.Collater', size=3)"
    assert train(f"train_dataloader = dict({edit})", f"val_dataloader = dict({edit})") == 0
    assert Path("called").read_text().startswith("class 3")


def test_a_function_of_the_registry_goes_before_the_built_in_one(project: str) -> None:
    """mmengine's FUNCTIONS, as the message proposes; also by a name that is built in."""
    Path("in_registry.py").write_text(
        "from mmengine.registry import FUNCTIONS\n"
        f"from {project} import collate, say\n"
        "@FUNCTIONS.register_module()\ndef mine(batch):\n    say('mine ')\n    return collate(batch)\n"
        "@FUNCTIONS.register_module(force=True)\n"
        "def pseudo_collate(batch):\n    say('over ')\n    return collate(batch)\n"
    )
    import segue.compat  # noqa: F401  # gives the import names

    loaders = [f"{n}_dataloader = dict(collate_fn=dict(type='{t}'))" for n, t in TAKEN.items()]
    assert train("custom_imports = dict(imports=['in_registry'])", *loaders) == 0
    assert {"mine", "over"} == set(Path("called").read_text().split())
    sys.modules.pop("in_registry")


def test_a_worker_is_prepared(project: str) -> None:
    function = "dict(type='prepared', word='y')"
    assert train(imported(project), f"train_dataloader = dict(num_workers=2, worker_init_fn={function})") == 0
    assert [Path(f"worker_{i}").read_text() for i in (0, 1)] == ["y", "y"]


@pytest.mark.parametrize("key", ["collate_fn", "worker_init_fn"])
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("os.system", "is of Python's standard library"),
        ("torch.utils.data.default_collate", "is of the installed package 'torch'"),
        ("PROJECT.system", "'PROJECT.system' is"),
        ("PROJECT.rmtree", "'PROJECT.rmtree' is a function"),
        ("PROJECT.say", "is a function, and only a class can be named by an import path"),
        ("PROJECT.os.system", "is an import path"),
        ("PROJECT.nothing", "has no 'nothing'"),
        ("pseudo_colate", "there is no function 'pseudo_colate'"),
    ],
)
def test_refused(key: str, target: str, message: str, project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(f"train_dataloader = dict({key}=dict(type='{target.replace('PROJECT', project)}'))") == 1
    said = capsys.readouterr().err
    assert message.replace("PROJECT", project) in said and "child.py:2" in said and "Traceback" not in said


def test_a_function_elsewhere_stays_refused(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(f"custom_hooks = [dict(type='{project}.say')]") == 1
    assert "is a function, and only a class can be named" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="is an import path; a config inside another file"):
        read_own({"type": f"{project}.say"}, "train_dataloader.collate_fn", Rights.INSIDE)


def test_names_of_the_family() -> None:
    for name in ("pseudo_collate", "default_collate", "mmengine.dataset.pseudo_collate", "mmcv.parallel.collate"):
        loader, _ = read_loader({"collate_fn": {"type": name}}, "train_dataloader")
        assert loader.collate_fn is None
    assert read_loader({"worker_init_fn": {"type": "worker_init_fn"}}, "x")[0].worker_init_fn is None
    with pytest.raises(ConfigError, match=r"train_dataloader\.collate_fn\.size: pseudo_collate has no argument 'size'"):
        read_loader({"collate_fn": {"type": "pseudo_collate", "size": 3}}, "train_dataloader")
    with pytest.raises(ConfigError, match=r"collate_fn: a dict\(type='\.\.\.'\) is expected, got 'x'"):
        read_loader({"collate_fn": "x"}, "train_dataloader")
    with pytest.raises(ConfigError, match="called with one value, and too many positional arguments"):
        read_loader({"collate_fn": {"type": lambda: None}}, "train_dataloader")
    with pytest.raises(ConfigError, match=r"called with one value and \{'b': 2\}, and got an unexpected keyword"):
        read_loader({"collate_fn": {"type": lambda batch: batch, "b": 2}}, "train_dataloader")


def test_registered(project: str) -> None:
    @register
    def my_own_collate(batch: Any) -> Any:
        return batch

    found = read_own({"type": "my_own_collate"}, "train_dataloader.collate_fn", Rights.INSIDE)
    assert found is not None and found.function is my_own_collate


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("listed", "train_dataloader.collate_fn gave a list; a dict with 'inputs' and 'data_samples' is expected"),
        ("one_short", "train_dataloader.collate_fn gave 1 inputs and 2 data_samples"),
        ("raising", "train_dataloader.collate_fn failed with KeyError: 'nothing' (at "),
    ],
)
@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_batch(name: str, message: str, workers: int, project: str, capsys: pytest.CaptureFixture[str]) -> None:
    loader = f"train_dataloader = dict(num_workers={workers}, collate_fn=dict(type='{name}'))"
    assert train(imported(project), loader) == 1
    said = capsys.readouterr().err
    assert message in said and "data/images/" in said and "Traceback" not in said


def test_a_batch_without_paths() -> None:
    with pytest.raises(DataError, match=r"a batch of 1 samples: x gave a dict of \['a'\]"):
        batch_of(Own(lambda batch: {"a": 1}), [{"data_samples": SegSample()}], "x")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_step_that_fails_names_its_sample(workers: int, project: str, capsys: pytest.CaptureFixture[str]) -> None:
    steps = f"[dict(type='LoadImageFromFile'), dict(type='{project}.Step')]"
    assert train(f"train_dataloader = dict(num_workers={workers}, dataset=dict(pipeline={steps}))") == 1
    said = capsys.readouterr().err
    assert "data/images/" in said and "Step (step 2 of 2 of the pipeline) failed with KeyError: 'depth' (at " in said
    assert f"{project}.py:" in said and "Traceback" not in said


@pytest.mark.parametrize("workers", [0, 1])
def test_a_dataset_that_fails_names_its_sample(workers: int, project: str, capsys: pytest.CaptureFixture[str]) -> None:
    edit = f"dataset=dict(_delete_=True, type='{project}.Data')"
    assert train(f"train_dataloader = dict(num_workers={workers}, {edit})") == 1
    said = capsys.readouterr().err
    assert "of Data: failed with IndexError: list index out of range (at " in said and "Traceback" not in said


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nobody is killed so here")
def test_a_killed_worker(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed as the system does when memory runs out."""
    loader = "train_dataloader = dict(num_workers=2, worker_init_fn=dict(type='ending'))"
    assert train(imported(project), loader) == 1
    said = capsys.readouterr().err
    assert "A worker process that reads samples (pid " in said and "because memory ran out" in said
    assert "train_dataloader.num_workers=2" in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("DataLoader worker (pid 5) is killed by signal: Killed. ", "(pid 5) was lost: something ended it: mostly"),
        ("DataLoader worker (pid(s) 5, 6) exited unexpectedly", "(pid 5, 6) was lost: something ended it"),
        ("DataLoader worker (pid 5) is killed by signal: Bus error. It is possible that dataloader's workers are out "
         "of shared memory. Please try to raise your shared memory limit.", "--shm-size"),
        ("DataLoader worker (pid 5) is killed by signal: Segmentation fault. ", "a library crashed in it"),
        ("DataLoader timed out after 5 seconds", "no sample came within the loader's timeout"),
    ],
)  # fmt: skip
def test_what_ended_it(text: str, part: str) -> None:
    found = lost_worker(RuntimeError(text), {"train_dataloader": 4})
    assert found is not None and part in str(found) and "train_dataloader.num_workers=4" in str(found)


def test_other_errors_are_not_taken_for_it() -> None:
    assert lost_worker(RuntimeError("CUDA out of memory"), {}) is None
    assert lost_worker(ValueError("DataLoader worker (pid 5) exited"), {}) is None
