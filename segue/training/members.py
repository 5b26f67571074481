"""The weights that are measured: those of one checkpoint, or an ensemble of several."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

from torch import nn

from segue.checkpoints import fetch, read
from segue.errors import CheckpointError
from segue.export.runtime import RuntimeModel, is_exported
from segue.inference.ensemble import Ensemble, Weights, check_classes, listed
from segue.training.parts import load_trained


def with_weights(model: nn.Module, checkpoint: Weights, trust: bool, say: Callable[[str], None]) -> nn.Module:
    """A model with the weights of a checkpoint, or of several the ensemble of as many models, which are held at once.

    Args:
        model: as the config builds it.
        checkpoint: one or several; exported files among them.
        trust: open .pt2 files, whose reader runs what the file says.
        say: told what is held.

    Raises:
        CheckpointError: one is not there or does not fit, or they were trained on other classes.
        InputError: they have no mean, or one is named twice.
    """
    names = listed(checkpoint)
    if len(names) == 1:
        return load_trained(model, names[0], trust=trust)
    for name in names:  # before the first is read
        if not is_exported(name):
            fetch(name)
        elif not Path(name).is_file():
            raise CheckpointError(f"{name} does not exist; give the path of an exported file")
    members: list[nn.Module] = []
    classes: list[tuple[str, Sequence[str] | None]] = []
    for name in names:
        members.append(load_trained(copy.deepcopy(model), name, trust=trust))
        own = members[-1]
        said = own.certificate["classes"] if isinstance(own, RuntimeModel) else read(fetch(name)).classes
        classes.append((str(name), said))
    check_classes(classes)
    whole = Ensemble(members, [str(name) for name in names])
    for line in whole.said():
        say(line)
    return whole
