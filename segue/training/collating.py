"""The functions that a ``*_dataloader`` names: ``collate_fn`` makes batches, ``worker_init_fn`` prepares a worker.

Segue's own do both already; the user's are called as mmengine calls them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segue.config.trust import Rights
from segue.errors import ConfigError, DataError, Problem, SegueError, line_of, nearest
from segue.training.translate import of_family, type_name, users_own
from segue.transforms.compose import taken

#: Names of the family's own: what they do is done anyway; the arguments are of mmcv's.
BUILT_IN = {
    "collate_fn": {"pseudo_collate": (), "default_collate": (), "collate": ("samples_per_gpu",)},
    "worker_init_fn": {"worker_init_fn": ("num_workers", "rank", "seed", "disable_subprocess_warning")},
}


@dataclass(frozen=True)
class Own:
    """A function of the user's own with the arguments that the config gives it; it can be sent to a worker.

    Attributes:
        function: what is called.
        arguments: by keyword.
        key: where the config names it.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""

    def __call__(self, given: Any) -> Any:
        """The function's result for a batch or a worker's number."""
        return self.function(given, **self.arguments)


def read_own(given: Any, key: str, rights: Rights) -> Own | None:
    """The function that a loader's ``collate_fn`` or ``worker_init_fn`` names; None for the family's own.

    Raises:
        ConfigError: it is unknown, may not be named here, or does not take its arguments.
    """
    if given is None:
        return None
    if callable(given):
        return _checked(Own(given, {}, key))
    name = type_name(given, key)
    arguments = {word: value for word, value in given.items() if word not in ("type", "_scope_")}
    built_in: Any = BUILT_IN[key.rpartition(".")[2]]
    function = users_own(given["type"] if callable(given["type"]) else name, "functions", f"{key}.type", rights)
    if name in built_in and (function is None or of_family(function)):
        unknown = [word for word in arguments if word not in built_in[name]]
        if unknown:
            raise ConfigError(Problem(f"{key}.{unknown[0]}", f"{name} has no argument {unknown[0]!r}"))
        return None
    if function is None:
        advice = "register yours (FUNCTIONS.register_module()) in a module that custom_imports names"
        message = f"there is no function {name!r}; {advice}{nearest(name, list(built_in))}"
        raise ConfigError(Problem(f"{key}.type", message))
    if inspect.isclass(function):
        try:
            function, arguments = function(**arguments), {}
        except Exception as error:
            raise ConfigError(Problem(key, f"{name} cannot be made: {error}")) from error
    return _checked(Own(function, arguments, key))


def _checked(own: Own) -> Own:
    """Whether it can be called as it will be, with one value and its arguments."""
    try:
        inspect.signature(own.function).bind(None, **own.arguments)
    except TypeError as error:
        called = f"called with one value and {own.arguments}" if own.arguments else "called with one value"
        raise ConfigError(Problem(own.key, f"{own.function!r} is {called}, and {error}")) from error
    except ValueError:  # written in C, without a signature
        pass
    return own


def batch_of(collate: Callable[[Sequence[Any]], Any], samples: Sequence[Any], key: str) -> dict[str, Any]:
    """The batch that a collate function makes of samples.

    Raises:
        DataError: it fails, or its result is no batch; the message names the samples.
    """
    try:
        batch = collate(samples)
    except SegueError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise DataError(f"{_names(samples)}: {key} failed with {what}{line_of(error)}") from error
    if not isinstance(collate, Own):
        return dict(batch)
    if not isinstance(batch, Mapping) or not {"inputs", "data_samples"} <= set(batch):
        found = f"a dict of {sorted(map(str, batch))}" if isinstance(batch, Mapping) else f"a {type(batch).__name__}"
        raise DataError(f"{_names(samples)}: {key} gave {found}; a dict with 'inputs' and 'data_samples' is expected")
    if len(batch["inputs"]) != len(batch["data_samples"]):
        counts = f"{len(batch['inputs'])} inputs and {len(batch['data_samples'])} data_samples"
        raise DataError(f"{_names(samples)}: {key} gave {counts}; one of each for every sample is expected")
    return {**batch, "data_samples": [taken({"data_samples": one})["data_samples"] for one in batch["data_samples"]]}


def _names(samples: Sequence[Any]) -> str:
    found = [name for sample in samples if (name := _name(sample))]
    return ", ".join(found[:4]) + (" ..." if len(found) > 4 else "") or f"a batch of {len(samples)} samples"


def _name(sample: Any) -> str:
    about = sample.get("data_samples") if isinstance(sample, Mapping) else None
    return str((getattr(about, "meta", None) or {}).get("img_path") or "")
