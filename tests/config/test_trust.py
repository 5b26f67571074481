"""What a config may name: every place x hostile targets, from disk and inside other files; and what must go on working.

Nothing hostile may run: an audit hook watches the interpreter, and canaries lie where the targets would act.
"""

from __future__ import annotations

import contextlib
import copy
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from segue.checkpoints import save_weights
from segue.config import Config
from segue.config import trust as trusting
from segue.config.builder import build
from segue.config.builder.find import UnknownNameError, find
from segue.config.kinds import KINDS
from segue.config.trust import Rights, admit, bare, location, registered, rights_of, screen
from segue.errors import ConfigError
from segue.inference.load import load
from segue.inference.verify import verify
from segue.recipes.open import read_config
from segue.training.backends import make_backends
from segue.training.data import read_loader
from segue.training.plan import read_plan

NORM = {"type": "BN", "requires_grad": True}
STEPS = [
    {"type": "LoadImageFromFile"},
    {"type": "LoadAnnotations"},
    {"type": "RandomChoice", "transforms": [[{"type": "RandomFlip", "prob": 0.5}]]},
    {"type": "Albu", "transforms": [{"type": "HorizontalFlip", "p": 0.5}]},
    {"type": "PackSegInputs"},
]


def dataset(steps: list[Any]) -> dict[str, Any]:
    return {"type": "BaseSegDataset", "metainfo": {"classes": ["a", "b"]}, "pipeline": steps, "lazy_init": True}


BASE: dict[str, Any] = {
    "data_preprocessor": {"type": "SegDataPreProcessor"},
    "model": {
        "type": "EncoderDecoder",
        "backbone": {
            "type": "FastSCNN",
            "norm_cfg": NORM,
            "act_cfg": {"type": "ReLU"},
            "conv_cfg": {"type": "Conv2d"},
            "init_cfg": {"type": "Kaiming"},
        },
        "neck": {"type": "MultiLevelNeck", "in_channels": [4], "out_channels": 4},
        "decode_head": {
            "type": "FCNHead",
            "in_channels": 4,
            "channels": 4,
            "num_classes": 2,
            "norm_cfg": NORM,
            "upsample_cfg": {"type": "InterpConv"},
            "loss_decode": {"type": "CrossEntropyLoss"},
            "sampler": {"type": "OHEMPixelSampler", "thresh": 0.7},
        },
        "auxiliary_head": [{"type": "FCNHead", "in_channels": 4, "channels": 4, "num_classes": 2}],
    },
    "train_dataloader": {
        "dataset": {"type": "RepeatDataset", "times": 2, "dataset": dataset(STEPS)},
        "sampler": {"type": "InfiniteSampler"},
        "batch_sampler": {"type": "BatchSampler"},
        "collate_fn": {"type": "default_collate"},
        "worker_init_fn": {"type": "init"},
    },
    "val_dataloader": {"dataset": {"type": "ConcatDataset", "datasets": [dataset([])]}},
    "test_dataloader": {"dataset": dataset([{"type": "PackSegInputs"}])},
    "val_evaluator": {"type": "IoUMetric", "iou_metrics": ["mIoU"]},
    "train_cfg": {"type": "IterBasedTrainLoop", "max_iters": 10},
    "val_cfg": {"type": "ValLoop"},
    "test_cfg": {"type": "TestLoop"},
    "optim_wrapper": {
        "type": "OptimWrapper",
        "optimizer": {"type": "SGD", "lr": 0.1},
        "constructor": "DefaultOptimWrapperConstructor",
    },
    "param_scheduler": [{"type": "PolyLR", "eta_min": 0, "end": 10, "by_epoch": False}],
    "default_hooks": {"logger": {"type": "LoggerHook"}, "checkpoint": {"type": "CheckpointHook", "interval": 5}},
    "custom_hooks": [{"type": "EMAHook", "ema_type": "ExponentialMovingAverage"}],
    "visualizer": {"type": "SegLocalVisualizer", "vis_backends": [{"type": "LocalVisBackend"}]},
    "vis_backends": [{"type": "LocalVisBackend"}],
    "log_processor": {"type": "LogProcessor"},
    "tta_model": {"type": "SegTTAModel"},
    "tta_pipeline": [{"type": "TestTimeAug", "transforms": [[{"type": "RandomFlip", "prob": 0.0}]]}],
    "runner_type": "Runner",
}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The key path of everything in the config above that names a class."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        if key in ("type", "constructor", "runner_type", "ema_type"):
            yield (*path, key)
        yield from places(value, (*path, key))


PLACES = [*places(BASE), ("custom_imports",)]
#: import path -> arguments that would hit a canary
TARGETS: dict[str, dict[str, Any]] = {
    "os.system": {"command": "touch {canary}"},
    "os.popen": {"cmd": "touch {canary}"},
    "os.path.os.system": {"command": "touch {canary}"},
    "posix.system": {"command": "touch {canary}"},
    "os.remove": {"path": "{victim}"},
    "subprocess.run": {"args": ["touch", "{canary}"]},
    "subprocess.Popen": {"args": ["touch", "{canary}"]},
    "subprocess.check_output": {"args": ["touch", "{canary}"]},
    "builtins.eval": {"source": "open({canary!r}, 'w')"},
    "builtins.exec": {"source": "open({canary!r}, 'w')"},
    "builtins.open": {"file": "{canary}", "mode": "w"},
    "builtins.__import__": {"name": "evilmod"},
    "io.open": {"file": "{canary}", "mode": "w"},
    "shutil.rmtree": {"path": "{folder}"},
    "pathlib.Path.unlink": {"self": "{victim}"},
    "torch.load": {"f": "{victim}"},
    "torch.save": {"obj": 1, "f": "{canary}"},
    "torch.hub.load": {"repo_or_dir": "{folder}", "model": "x", "source": "local"},
    "torch.utils.cpp_extension.load_inline": {"name": "x", "cpp_sources": "int x;"},
    "torch.utils.cpp_extension.subprocess.run": {"args": ["touch", "{canary}"]},
    "torch.serialization.os.system": {"command": "touch {canary}"},
    "torch.nn.functional.warnings.os.system": {"command": "touch {canary}"},
    "torch.nn.modules.module.os.system": {"command": "touch {canary}"},
    "torch.nn.modules.module.OrderedDict": {},
    "torch.nn.functional.relu": {"input": 1},
    "torch.optim.lr_scheduler.warnings.warn": {"message": "x"},
    "pickle.loads": {"data": b"cos\nsystem\n(S'touch {canary}'\ntR."},
    "pickle.Unpickler": {"file": "{victim}"},
    "importlib.import_module": {"name": "evilmod"},
    "runpy.run_path": {"path_name": "{folder}/evilmod.py"},
    "ctypes.CDLL": {"name": "libc.so.6"},
    "socket.socket": {},
    "webbrowser.open": {"url": "http://127.0.0.1:9"},
    "numpy.load": {"file": "{victim}", "allow_pickle": True},
    "numpy.memmap": {"filename": "{canary}", "mode": "w+", "shape": [4]},
    "logging.FileHandler": {"filename": "{canary}"},
    "tempfile.NamedTemporaryFile": {},
    "evilmod.run": {},
    "evilmod.subprocess.Popen": {"args": ["touch", "{canary}"]},
    ".evilmod.run": {},
    "evilmod..run": {},
    "os .system": {"command": "touch {canary}"},
    "cv2.imwrite": {"filename": "{canary}.png", "img": []},
    "PIL.Image.open": {"fp": "{victim}"},
    "yaml.unsafe_load": {"stream": "!!python/object/apply:os.system ['touch {canary}']"},
    "safetensors.torch.save_file": {"tensors": {}, "filename": "{canary}"},
}
assert len(TARGETS) >= 30
_watching: list[str] = []
_active = False
WATCHED = ("os.system", "subprocess.Popen", "os.posix_spawn", "os.exec", "os.remove", "shutil.rmtree", "ctypes.dlopen",
           "socket.__new__", "webbrowser.open", "pickle.find_class", "os.fork", "os.forkpty")  # fmt: skip


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _active and event in WATCHED:
        _watching.append(f"{event}{args!r}")


sys.addaudithook(_audit)


class Trap:
    """A working directory with canaries, and a watch over what runs."""

    def __init__(self, folder: Path) -> None:
        self.names = {name: str(folder / name) for name in ("canary", "victim", "folder")}
        Path(self.names["folder"]).mkdir()
        Path(self.names["victim"]).write_text("precious")
        evil = f"import subprocess\nopen({self.names['canary']!r}, 'w')\ndef run(**kwargs): pass\nclass Head: pass\n"
        (folder / "evilmod.py").write_text(evil)
        (folder / "folder" / "evilmod.py").write_text(evil)

    def arguments(self, target: str) -> dict[str, Any]:
        """What would make a target act on the canaries."""

        def filled(value: Any) -> Any:
            if isinstance(value, str):
                return value.replace("{canary!r}", repr(self.names["canary"])).format(**self.names)
            return [filled(item) for item in value] if isinstance(value, list) else value

        return {key: filled(value) for key, value in TARGETS[target].items() if not isinstance(value, bytes)}

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """For what the test itself does."""
        global _active
        _active = False
        yield
        _active = True


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trap]:
    """Fails if anything ran."""
    global _active
    made = Trap(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    _watching.clear()
    _active = True
    yield made
    _active = False
    assert not _watching, _watching
    assert not list(tmp_path.glob("canary*")), "a target was called"
    assert all(Path(made.names[name]).exists() for name in ("victim", "folder")), "a target was called"
    assert "evilmod" not in sys.modules


def changed(place: tuple[Any, ...], target: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The config with one name replaced."""
    cfg: Any = copy.deepcopy(BASE)
    if place == ("custom_imports",):
        return {**cfg, "custom_imports": {"imports": [target]}}
    node = cfg
    for key in place[:-1]:
        node = node[key]
    if place[-1] == "type":
        node.clear()
        node.update(arguments)
    node[place[-1]] = target
    return cfg


def as_text(cfg: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {value!r}\n" for key, value in cfg.items())


def use(cfg: Config) -> None:
    """All that training, testing and predicting make of a config before data is read."""
    problems = build.check(cfg)
    try:
        read_loader(cfg["train_dataloader"], "train_dataloader", rights_of(cfg))
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    build.build_model(cfg)
    read_plan(cfg, amp=False)
    make_backends(cfg, Path("work"))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_hostile_names_from_disk(place: tuple[Any, ...], trap: Trap) -> None:
    """Refused with file, line, key and the way out; never imported, never called."""
    for target in TARGETS:
        if place == ("custom_imports",) and location(target.partition(".")[0]) != "standard library":
            continue  # importing is what custom_imports is for; tested below
        text = as_text(changed(place, target, trap.arguments(target)))
        Path("config.py").write_text(text)
        with pytest.raises(ConfigError) as caught:
            use(read_config("config.py"))
        said = [problem for problem in caught.value.problems if target in problem.message]
        assert said, f"{target}: {caught.value}"
        assert all(problem.where.startswith("config.py:") for problem in said), f"{target}: {caught.value}"
        assert all(problem.key.startswith(str(place[0])) for problem in said), f"{target}: {caught.value}"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_hostile_names_inside_weights(place: tuple[Any, ...], trap: Trap) -> None:
    """`segue predict` and `segue weights verify` of a stranger's file."""
    for count, target in enumerate([*TARGETS, "evilmod.Head", "torch.nn.Linear", "pytest.Module"]):
        given = trap.arguments(target) if target in TARGETS else {}
        text = as_text(changed(place, target, given))
        notes = {"config": text, "classes": ["a", "b"]}
        file: Path = Path("w.safetensors")
        with trap.quiet():
            if count % 2:  # as mmengine writes them
                file = Path("w.pth")
                torch.save({"meta": {"cfg": text}, "state_dict": {"w": torch.ones(2)}, "message_hub": {}}, file)
            else:
                save_weights(file, {"w": torch.ones(2)}, notes)
        with pytest.raises(ConfigError) as caught:
            load(file)
        [*said] = [problem for problem in caught.value.problems if target in problem.message]
        assert said and said[0].where.startswith(f"<config inside {file}>:"), f"{target}: {caught.value}"
        assert "--trust-config" in said[0].message or "no module" in said[0].message.lower()
        if count % 6 < 2:
            result = verify(file, read_config=read_config)
            assert not result.good and target in "".join(c.found for c in result.checks if c.what == "model")


def test_second_line_of_defence(trap: Trap) -> None:
    """Where a config does not pass through read_config: plain dicts in Python, scripts with mmengine's registries."""
    from segue import compat

    compat.install()
    from mmengine.registry import HOOKS, MODELS, Registry, build_from_cfg

    for target in TARGETS:
        for room in KINDS:
            with pytest.raises(UnknownNameError):
                admit(target, room, Rights.NAMED)
            with pytest.raises(UnknownNameError):
                admit(target, room, Rights.INSIDE)
        assert build.check({"model": {"type": target, **trap.arguments(target)}}), target
        for registry in (MODELS, HOOKS, Registry("own")):
            assert target not in registry
            with pytest.raises((ConfigError, KeyError), match=re.escape(repr(target)) + "|is not in the"):
                registry.build({"type": target, **trap.arguments(target)})
        with pytest.raises((ConfigError, KeyError)):
            build_from_cfg({"type": target}, MODELS)


def test_a_config_inside_a_file_reads_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.py").write_text("model = dict(type='EncoderDecoder')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="a config inside another file stands alone"):
        Config.inside("_base_ = './secret.py'\n", "w.pth")
    with pytest.raises(ConfigError, match=r"config inside w\.pth.*stands alone"):
        Config.inside("from mmengine.config import read_base\nwith read_base():\n    from .secret import *\n", "w.pth")
    assert Config.inside("import os\nx = os.environ.get('HOME')\n", "w.pth")["x"] is None


PROJECT = """
import segue
from torch import nn
from torch.utils.data import Dataset
from subprocess import Popen

class MyNet(nn.Module):
    def __init__(self, width: int = 3):
        super().__init__()
        self.width = width

class MyStep:
    def __call__(self, sample):
        return sample

class MyData(Dataset):
    pass

@segue.register
def make_net(width: int = 1):
    return MyNet(width)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project in the working directory."""
    before = dict(registered)
    name = f"project_{tmp_path.name.replace('-', '_')}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / name / "parts.py").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path / name
    for module in [key for key in sys.modules if key.startswith(name)]:
        del sys.modules[module]
    registered.clear()
    registered.update(before)


def test_own_classes_by_import_path(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = f"{project.name}.parts"
    assert screen({"model": {"type": f"{module}.MyNet"}}, Rights.NAMED) == []
    assert module not in sys.modules, "it was imported to be judged"
    assert find("backbones", f"{module}.MyNet")(width=5).width == 5
    assert find("transforms", f"{module}.MyStep") and find("datasets", f"{module}.MyData")
    said = capsys.readouterr().err
    assert said.count(f"importing {module} of") == 1 and str(project) in said
    with pytest.raises(UnknownNameError, match=r"is a class of another kind: expected here is a torch"):
        find("heads", f"{module}.MyStep")
    with pytest.raises(UnknownNameError, match=r"is subprocess\.Popen; a config may name Segue's components"):
        find("transforms", f"{module}.Popen")
    with pytest.raises(UnknownNameError, match="has no 'Nothing'"):
        find("heads", f"{module}.Nothing")
    assert find("heads", f"{module}.make_net")().width == 1, "a registered function may be named"


def test_custom_imports(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = f"{project.name}.parts"
    text = f"custom_imports = dict(imports=['{module}'])\nmodel = dict(type='make_net', width=4)\n"
    Path("own.py").write_text(text)
    assert build.build_model(read_config("own.py")).width == 4
    assert f"importing {module}, which custom_imports names: it is run" in capsys.readouterr().err
    read_config("own.py")
    assert capsys.readouterr().err == "", "said once"
    inside = Config.inside(text, "w.pth")
    assert build.build_model(read_config(inside)).width == 4, "what this process has imported already may be named"
    with pytest.raises(ConfigError, match=r"own\.py:1: custom_imports: 'os' is of Python's standard library"):
        Path("own.py").write_text("custom_imports = dict(imports=['os'])\n")
        read_config("own.py")


def test_custom_imports_inside_a_file(project: Path) -> None:
    module = f"{project.name}.parts"
    text = f"custom_imports = dict(imports=['{module}'])\nmodel = dict(type='make_net', width=4)\n"
    save_weights("w.safetensors", {"w": torch.ones(1)}, {"config": text})
    with pytest.raises(ConfigError, match=rf"w.safetensors>:1: custom_imports: '{module}' would be imported; a config"):
        load("w.safetensors")
    assert module not in sys.modules
    cfg = read_config(Config.inside(text, "w.safetensors"), trust=True)
    assert build.build_model(cfg).width == 4
    assert module in sys.modules


def test_trust_config_allows_anything_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    trusting._said.clear()
    Path_cfg = Config({"model": {"type": "collections.Counter", "red": 4}})
    with pytest.raises(ConfigError, match=r"model\.type: 'collections\.Counter' is of Python's standard library"):
        read_config(Path_cfg)
    cfg = read_config(Path_cfg, trust=True)
    assert build.build(cfg, "model", "models") == {"red": 4}
    assert "a trusted config names collections.Counter" in capsys.readouterr().err
    assert build.build(copy.deepcopy(cfg), "model", "models") == {"red": 4}, "a copy keeps its rights"


@pytest.mark.parametrize(
    ("room", "name", "found"),
    [
        ("heads", "segue.heads.psp.PSPHead", "PSPHead"),
        ("heads", "mmseg.PSPHead", "PSPHead"),
        ("heads", "mmseg.models.decode_heads.PSPHead", "PSPHead"),
        ("losses", "mmseg.CrossEntropyLoss", "CrossEntropyLoss"),
        ("models", "torch.nn.Identity", "Identity"),
        ("optimizers", "torch.optim.AdamW", "AdamW"),
        ("hooks", "lightning.pytorch.callbacks.LearningRateMonitor", "LearningRateMonitor"),
    ],
)
def test_what_goes_on_working(room: str, name: str, found: str) -> None:
    cls = admit(name, room, Rights.NAMED) if bare(name) == name else find(room, name)
    assert cls.__name__ == found


@pytest.mark.parametrize(
    "room", ["datasets", "transforms", "metrics", "hooks", "samplers", "optimizers", "vis_backends"]
)
def test_allowed_packages_by_kind_only(room: str) -> None:
    with pytest.raises(UnknownNameError, match=r"'torch\.nn\.Linear' is of the installed package|of another kind"):
        admit("torch.nn.Linear", room, Rights.NAMED)


def test_classes_of_the_running_program() -> None:
    """A notebook's or a test's own classes may be named; they were not imported for the config."""

    assert location("os") == "standard library" and location("numpy") == "installed"
    assert location("tests") == "project" and location("no_such_thing") == "missing"
    assert admit(f"{__name__}.Own", "models", Rights.NAMED) is Own


class Own(nn.Module):
    """A class of this file."""


def test_the_docs_have_the_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    for place, kind in KINDS.items():
        if place == "parts":
            continue
        [row] = [line for line in text.splitlines() if line.startswith("|") and f"`{place}`" in line]
        assert kind.title in row, row
        for package in kind.packages:
            assert f"`{package}`" in row, row
