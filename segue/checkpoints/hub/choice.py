"""Which files of a repository are fetched: the config, and weights that are no program."""

from __future__ import annotations

from collections.abc import Collection

from segue.checkpoints.folder import CARD, CERTIFICATE, CONFIG, INDEX, PICKLES, PROCESSOR, SAFE
from segue.checkpoints.hub.address import Address
from segue.errors import CheckpointError

BESIDE = (CONFIG, PROCESSOR, CERTIFICATE)


def choose(names: Collection[str], address: Address) -> list[str]:
    """The files to fetch first: those beside the weights, and the weights or the index of those.

    Raises:
        CheckpointError: there are no weights as safetensors, or several that one could take.
    """
    if address.file:
        if address.file not in names:
            near = ", ".join(sorted(name for name in names if name.endswith((".safetensors", *PICKLES)))[:6])
            raise CheckpointError(f"{address}: there is no such file; its weights are {near or 'none'}")
        return [address.file]
    beside = [name for name in BESIDE if name in names]
    if CERTIFICATE in names and CARD in names:
        beside.append(CARD)
    main = next((name for name in SAFE if name in names), None)
    if main is not None:
        return [*beside, main]
    single = [name for name in names if name.endswith(".safetensors") and "/" not in name]
    if len(single) == 1:
        return [*beside, single[0]]
    if single:
        raise CheckpointError(
            f"{address}: holds {', '.join(sorted(single)[:6])}; name the one: {address.whole}/{sorted(single)[0]}"
        )
    pickles = sorted(name for name in names if name.endswith(PICKLES))
    if pickles:
        raise CheckpointError(
            f"{address}: has no weights as safetensors, only {', '.join(pickles[:4])}, which are pickles and are not "
            f"taken from a repository; ask its author for safetensors, or name the file itself, which is then read "
            f"without running anything in it: {address.whole}/{pickles[0]}"
        )
    raise CheckpointError(f"{address}: holds no weights; there are {', '.join(sorted(names)[:8]) or 'no files'}")


def is_index(name: str) -> bool:
    """Whether a file says in which files the weights are."""
    return name.endswith(INDEX)
