"""A file of weights, of any project, as one safetensors file with config and class names inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from segue.checkpoints.difference import added, joined
from segue.checkpoints.downloads.cache import digest
from segue.checkpoints.downloads.fetch import fetch
from segue.checkpoints.folder import main_file, transformers_notes
from segue.checkpoints.foreign import Conversion, candidates, named
from segue.checkpoints.notes import fitting_notes
from segue.checkpoints.safe.checkpoint import Checkpoint
from segue.checkpoints.safe.reader import read
from segue.checkpoints.weights import save_weights
from segue.errors import InputError

AS_IS = "segue"  # ``--from segue``: the names are Segue's already


@dataclass(frozen=True)
class Converted:
    """What `convert` did; ``str()`` tells it in words.

    Attributes:
        path: the file written.
        tensors: how many it holds.
        conversion: how keys were renamed; None: they were not.
        others: other sources that the keys would also fit.
        notes: what was written beside the weights: ``config``, ``classes`` and the like.
        left_out: keys of notes that are too large to stand beside weights.
    """

    path: Path
    tensors: int
    conversion: Conversion | None
    others: tuple[str, ...]
    notes: Mapping[str, Any]
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [str(self.conversion) if self.conversion else "The names of the weights were kept."]
        if self.others:
            lines.append(f"  They could also be meant for {' or '.join(self.others)}: choose with --from.")
        if self.left_out:
            lines.append(f"  Left out, as too large for notes: {', '.join(self.left_out)}.")
        classes = Checkpoint({}, meta=dict(self.notes)).classes
        inside = "with its config" if self.notes.get("config") or self.notes.get("cfg") else "without a config"
        named = f"the names of {len(classes)} classes" if classes else "no class names"
        lines.append(f"{self.path}: {self.tensors} tensors, {inside} and {named}")
        return "\n".join(lines)


def convert(
    source: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    base: str | Path | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Converted:
    """Write the weights of ``source`` to ``out``, under Segue's names.

    Args:
        source: a path, URL or alias; or a folder of transformers, with ``config.json`` beside the weights.
        out: the file to write, ``NAME.safetensors``.
        name: the project they are from (``foreign.SOURCES``), or ``segue`` to keep their names; None: their keys tell.
        base: the weights that those of ``source`` are differences to (EoMT on DINOv3), or whose decoder they are (PMT).
        notes: written beside the weights, over what the file itself notes: ``config``, ``classes`` ...

    Raises:
        CheckpointError, InputError: the file cannot be read, is not from ``name``, or ``out`` cannot be written.
    """
    path = locate(source)
    checkpoint = read(path)
    conversion, others = reading(checkpoint.state_dict, name, str(source))
    found = {key: value for key, value in checkpoint.meta.items() if key != "format"}
    if conversion:
        found |= {"converted_from": conversion.source.name, "original": path.name, "original_sha256": digest(path)}
        if conversion.source.name.startswith("hf-"):
            found |= transformers_notes(path.parent)
    found, left_out = fitting_notes(found)
    found |= notes or {}
    state = conversion.state if conversion else checkpoint.state_dict
    if base is not None:
        kind = conversion.source.name if conversion else AS_IS
        if kind != "pmt" and "eomt-dinov3" not in kind:
            raise InputError(
                f"--base {base}: {source} ({kind}) holds no differences, as EoMT's on DINOv3 does, and is no decoder "
                "alone, as PMT's: omit it"
            )
        whole = locate(base)
        state = joined(state, whole) if kind == "pmt" else added(state, whole)
        found |= {"base": whole.name, "base_sha256": digest(whole)}
        assert conversion is not None
        conversion.source = replace(conversion.source, note=f"added to {whole.name}, SHA-256 {digest(whole)}")
    return Converted(save_weights(out, state, found), len(state), conversion, others, found, left_out)


def locate(source: str | Path) -> Path:
    """The file that holds the weights, or that says in which files they are: of a folder, that in it.

    Raises:
        CheckpointError: a folder without such a file.
    """
    path = Path(source) if Path(source).is_dir() else fetch(source)
    return path / main_file([file.name for file in path.iterdir()], str(path)) if path.is_dir() else path


def opened(source: str | Path) -> tuple[Path, Checkpoint]:
    """The file that `locate` finds, and what is in it; of a folder with what its other files say.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    folder = Path(source) if Path(source).is_dir() else fetch(source)
    return (locate(folder), read(folder)) if folder.is_dir() else (folder, read(folder))


def reading(
    state: Mapping[str, Tensor], name: str | None = None, where: str = "the weights"
) -> tuple[Conversion | None, tuple[str, ...]]:
    """The weights as those of ``name``, or of the likeliest project; and the names of further ones they could be of.

    Raises:
        InputError: no such project, or the keys are not of it.
    """
    if name == AS_IS:
        return None, ()
    wanted = named(name) if name else None
    found = list(candidates(state, wanted) if wanted else candidates(state))
    if not found and wanted:
        marks = " and ".join(wanted[0].marks).replace("\\", "").replace("$", "")
        raise InputError(f"--from {name}: {where} has no keys like {marks}; its first are {', '.join(list(state)[:3])}")
    if not found:
        return None, ()
    (source, wrapper), *rest = found
    return source.convert(state, wrapper), tuple(dict.fromkeys(s.name for s, _ in rest if s != source))
