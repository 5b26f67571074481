"""An evaluation that several machines share out: each counts its images, whoever comes last adds up.

The counts of a share go to a file of its own, written beside its place and renamed, so that repeating one is harmless
and which of them are there is all that is remembered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from segue.errors import DataError, InputError
from segue.system.replaced import replaced
from segue.system.shares import Shared
from segue.training.parts import Metric

FORMAT = 1


@dataclass(frozen=True)
class Share(Shared):
    """A share of the images of an evaluation.

    Attributes:
        facts: what all shares must agree in, see `facts_of`.
    """

    ENDING: ClassVar[str] = ".json"

    facts: Mapping[str, Any]

    def part(self, rank: int, world: int) -> tuple[int, int]:
        """Which of how many parts of the images a process takes that is one of ``world`` here."""
        return (self.index - 1) * world + rank, self.count * world

    @property
    def done(self) -> bool:
        """Whether this one has been counted.

        Raises:
            InputError: its file is of another evaluation.
        """
        return self.path(self.index).exists() and bool(self._read(self.index))

    def write(self, metrics: Sequence[Metric]) -> None:
        """Keep what was counted.

        Raises:
            DataError: it cannot be written.
        """
        states = [{name: _listed(value) for name, value in metric.state().items()} for metric in metrics]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replaced(self.path(self.index), durable=True) as part:
                part.write_text(json.dumps({"facts": self.facts, "metrics": states}) + "\n", encoding="utf-8")
        except OSError as error:
            raise DataError(f"{self.folder}: cannot write there: {error.strerror or error}") from error

    def join(self, metrics: Sequence[Metric]) -> list[int]:
        """Put the sums of all shares into the metrics; returns the shares that are missing, in which case nothing is.

        Raises:
            InputError: a share is of another evaluation.
        """
        if missing := self.missing:
            return missing
        found = [self._read(i) for i in range(1, self.count + 1)]
        for place, metric in enumerate(metrics):
            states = [one[place] for one in found]
            metric.load(
                {
                    name: sum((_tensor(state[name]) for state in states[1:]), _tensor(states[0][name]))
                    for name in states[0]
                }
            )
        return []

    def _read(self, index: int) -> list[dict[str, Any]]:
        path = self.path(index)
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            facts, states = held["facts"], held["metrics"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: is no share of an evaluation: remove it ({error})") from error
        other = [key for key, value in self.facts.items() if facts.get(key) != value]
        if other:
            raise InputError(
                f"{path}: was counted with another {', '.join(other)}; remove {self.folder}, or name another work_dir"
            )
        return list(states)


def facts_of(cfg: Mapping[str, Any], model: nn.Module, images: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """What shares must agree in to be added up: the config's sections and the weights by their hashes."""
    sections = {key: cfg.get(key) for key in ("model", "test_dataloader", "test_evaluator", "test_cfg")}
    text = json.dumps(sections, default=str, sort_keys=True)
    weights = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        weights.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        weights.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return {
        "format": FORMAT,
        "config": hashlib.sha256(text.encode()).hexdigest(),
        "weights": weights.hexdigest(),
        "images": images,
        **options,
    }


def check_sums(metrics: Sequence[Metric]) -> None:
    """Refuse metrics whose results do not add up.

    Raises:
        InputError: one keeps results of single images.
    """
    for metric in metrics:
        try:
            sums = bool(metric.state())
        except (RuntimeError, ValueError):  # it asks the other processes, of which there are none yet
            sums = False
        if not sums:
            raise InputError(
                f"shard: {type(metric).__name__} keeps results of single images, which do not add up: omit it"
            )


def _listed(value: Tensor) -> dict[str, Any]:
    return {"dtype": str(value.dtype).removeprefix("torch."), "values": value.cpu().tolist()}


def _tensor(listed: Mapping[str, Any]) -> Tensor:
    return torch.tensor(listed["values"], dtype=getattr(torch, str(listed["dtype"])))
