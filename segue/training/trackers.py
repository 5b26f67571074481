"""Where a run's numbers and pictures go beside Segue's own log: ``vis_backends`` of a config.

Every class has the arguments that mmengine documents for it. Those of services are in `segue.training.services`;
TensorBoard's files need no package. `segue.compat` shows these classes to user code.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import cv2
import numpy as np

from segue.errors import SegueError
from segue.training.event_file import EventFile


class TrackerError(SegueError):
    """A tracker cannot be reached: its package is not installed."""


class Tracker:
    """Takes a config, numbers and pictures (H, W, 3) uint8 RGB; a subclass writes what it can.

    Args:
        save_dir: folder for what is written to the disk.
    """

    #: what must be installed, and what to install where that has another name
    package, install = "", ""

    def __init__(self, save_dir: str) -> None:
        if "\0" in save_dir:
            raise ValueError(f"save_dir: {save_dir!r} is no path")
        self._save_dir = save_dir
        self._made: Any = None

    @property
    def experiment(self) -> Any:
        """The service's own object, made at first use."""
        if self._made is None:
            Path(self._save_dir).mkdir(parents=True, exist_ok=True)
            self._made = self._start()
        return self._made

    def _start(self) -> Any:
        return self

    @classmethod
    def lacking(cls) -> str:
        """What to do where the package is not installed."""
        advice = f"pip install {cls.install or cls.package}, or take it out of vis_backends"
        return f"{cls.__name__} needs the package {cls.package}: {advice}"

    def _package(self, module: str = "") -> Any:
        try:
            return importlib.import_module(module or self.package)
        except ImportError as error:
            raise TrackerError(self.lacking()) from error

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """The config, as text or as its values."""

    def add_graph(self, model: Any, data_batch: Any, **kwargs: Any) -> None:
        """Models are not drawn."""

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """A picture."""

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """A number; a tensor or an array counts where it holds one."""

    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Several numbers of one step."""
        for name, value in scalar_dict.items():
            self.add_scalar(name, value, step)

    def close(self) -> None:
        """The end of the run."""


class LocalVisBackend(Tracker):
    """Pictures in a folder, and the numbers that are given to it by hand; those of training are in the work folder."""

    def __init__(
        self,
        save_dir: str,
        img_save_dir: str = "vis_image",
        config_save_file: str = "config.py",
        scalar_save_file: str = "scalars.json",
    ) -> None:
        super().__init__(save_dir)
        for name, given, ending in (
            ("img_save_dir", img_save_dir, ""),
            ("config_save_file", config_save_file, ".py"),
            ("scalar_save_file", scalar_save_file, ".json"),
        ):
            if not _inside(given) or not given.endswith(ending):
                what = f"a name that ends in {ending}" if ending else "a folder"
                raise ValueError(f"{name}: {what} inside save_dir is expected, not {given!r}")
        self._images = Path(save_dir) / img_save_dir
        self._config, self._scalars = Path(save_dir) / config_save_file, Path(save_dir) / scalar_save_file

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Write the config."""
        self._config.parent.mkdir(parents=True, exist_ok=True)
        self._config.write_text(as_text(config), encoding="utf-8")

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """A line of JSON."""
        self.add_scalars({name: value}, step)

    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """The numbers of one step as a line of JSON, of ``file_path`` where that is given."""
        path = self._scalars if file_path is None else self._scalars.parent / file_path
        path.parent.mkdir(parents=True, exist_ok=True)
        known = {k: v if isinstance(v, (str, int)) or v is None else as_number(v) for k, v in scalar_dict.items()}
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({**known, "step": step}) + "\n")

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """``NAME_STEP.png``; a name such as ``val/first`` has a folder."""
        path = self._images / f"{name}_{step}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        done, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
        assert done, "a picture is (H, W, 3) uint8"
        path.write_bytes(data.tobytes())


class CSVVisBackend(Tracker):
    """``scalars.csv``: a line per number, ``step,name,value``, so that names may come and go during a run."""

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """A line; what is no number is left out."""
        number = as_number(value)
        if number is None:
            return
        path = Path(self._save_dir) / "scalars.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            if not stream.tell():
                writer.writerow(["step", "name", "value"])
            writer.writerow([step, name, repr(number)])


class TensorboardVisBackend(Tracker):
    """Event files for ``tensorboard --logdir``."""

    experiment: EventFile

    def _start(self) -> EventFile:
        return EventFile(Path(self._save_dir))

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Among the texts."""
        self.experiment.text("config", "".join(f"    {line}\n" for line in as_text(config).splitlines()))

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """Among the images."""
        self.experiment.image(name, image, step)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Among the scalars; what is no number is left out, as in mmengine."""
        number = as_number(value)
        if number is not None:
            self.experiment.scalar(name, number, step)


def installed(package: str) -> bool:
    """Whether a package could be imported."""
    if package in sys.modules:
        return sys.modules[package] is not None
    return importlib.util.find_spec(package) is not None


def _inside(name: str) -> bool:
    """Whether a path stays in the folder that it is joined to, on every system."""
    parts = PureWindowsPath(name).parts  # which takes both slashes
    return bool(parts) and not {"..", "~"} & set(parts) and not PureWindowsPath(name).anchor and "\0" not in name


def as_number(value: Any) -> float | None:
    """A number, or the one that a tensor or an array holds; None of anything else."""
    if isinstance(value, (bool, str)) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Those that are numbers."""
    found = {name: as_number(value) for name, value in values.items()}
    return {name: number for name, number in found.items() if number is not None}


def as_text(config: Any) -> str:
    """A config as it is written to a file."""
    text = getattr(config, "pretty_text", None)
    return text if isinstance(text, str) else json.dumps(as_values(config), indent=2)


def as_values(config: Any) -> dict[str, Any]:
    """A config as plain dicts, lists, numbers and texts."""
    plain = json.loads(json.dumps({str(key): value for key, value in dict(config).items()}, default=_plain))
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any) -> Any:
    return {str(k): v for k, v in value.items()} if isinstance(value, Mapping) else str(value)
