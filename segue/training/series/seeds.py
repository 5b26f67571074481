"""What ``--seeds`` says: ``3`` for the seeds 0, 1 and 2, or a list, ``0,1,2``."""

from __future__ import annotations

from collections.abc import Sequence

from segue.errors import InputError

MOST = 10_000  # runs


def seeds_of(given: int | str | Sequence[int]) -> list[int]:
    """The seeds of a series; a list of one, ``7,``, is that one.

    Raises:
        InputError: a number below 1, or in a list one that is no seed, or stands there twice.
    """
    if isinstance(given, str):
        parts = [part.strip() for part in given.split(",")]
        parts = parts[:-1] if len(parts) > 1 and not parts[-1] else parts
        try:
            numbers = [int(part) for part in parts]
        except ValueError:
            raise InputError(f"seeds={given}: a number of runs, 3, or a list of seeds, 0,1,2, is expected") from None
        given = numbers if "," in given else numbers[0]
    if isinstance(given, bool):
        raise InputError(f"seeds={given}: a number of runs, 3, or a list of seeds, 0,1,2, is expected")
    if isinstance(given, int):
        if not 1 <= given <= MOST:
            raise InputError(f"seeds={given}: the number of runs must be from 1 to {MOST:,}; a list, 0,1,2, names them")
        return list(range(given))
    seeds = list(given)
    wrong = [seed for seed in seeds if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63]
    if wrong or not 1 <= len(seeds) <= MOST:
        what = wrong[0] if wrong else "an empty list" if not seeds else f"{len(seeds)} seeds"
        raise InputError(f"seeds: {what}: whole numbers from 0 on, below 2**63, are expected, {MOST:,} at most")
    if twice := sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        raise InputError(f"seeds: {twice[0]} stands there twice; equal seeds give equal runs")
    return seeds
