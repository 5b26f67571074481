"""Which weights the recipes start from, and which are published for them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from segue.config.builder.pretrained import needed_weights
from segue.recipes.catalogue import published_weights, recipe_names
from segue.recipes.compose import compose


def all_weights(pattern: str = "*", *, trained: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Each source whose name, or one of whose recipes' names, matches, with the recipes that use it; sorted.

    With ``trained`` also the weights that are published for the recipes themselves.
    """
    users: dict[str, list[str]] = {}
    for name in recipe_names():
        published = published_weights(name) if trained else None
        for source in [*needed_weights(compose(name)), *([published] if published else [])]:
            users.setdefault(source, []).append(name)
    for source in sorted(users):
        if any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for text in (source, *users[source])):
            yield source, users[source]
