"""Bring the files of a model to a hub, as one commit, and look whether they arrived."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from segue.checkpoints.downloads.cache import digest
from segue.checkpoints.hub import client
from segue.checkpoints.hub.address import Address
from segue.errors import DownloadError


def upload(address: Address, folder: Path, names: Sequence[str], *, private: bool, message: str) -> str:
    """Commit files to a repository, which is made if it is not there.

    Args:
        address: of the model; its revision is the branch.
        folder: where the files lie.
        names: of the files.
        private: of a new repository, whether only its owners see it.
        message: of the commit.

    Returns:
        The commit.

    Raises:
        DownloadError: the hub refuses, cannot be reached, or lists other bytes afterwards.
        MissingExtraError: the library is not installed.
    """
    hub, api = client.library(), client.api()
    with ExitStack() as stack:
        stack.enter_context(client.in_words(address, address.revision, advice=client.WRITE_ADVICE))
        stack.enter_context(client.bars(hub))
        sources: list[Any] = [str(folder / name) for name in names]
        if client.endpoint() is not None:
            # the library takes the plain way, which every hub speaks, for open files, and Xet Storage for paths
            stack.enter_context(_quiet(hub))
            sources = [stack.enter_context((folder / name).open("rb")) for name in names]
        api.create_repo(address.repo, private=private or None, exist_ok=True)
        files = [hub.CommitOperationAdd(name, source) for name, source in zip(names, sources, strict=True)]
        made = api.create_commit(address.repo, files, commit_message=message, revision=address.revision)
    commit = str(made.oid)
    listed = client.listing(address, commit).files
    for name in names:
        found = listed.get(name)
        if found is None or (found.sha256 is not None and found.sha256 != digest(folder / name)):
            raise DownloadError(f"{address}: the hub does not list {name} as it was sent; push again")
        if found.size is not None and found.size != (folder / name).stat().st_size:
            raise DownloadError(f"{address}: the hub lists {found.size} bytes of {name}, which has others; push again")
    return commit


@contextmanager
def _quiet(hub: Any) -> Iterator[None]:
    """Keep the library from saying that it takes the plain way, and what it calls there that is deprecated."""
    before = hub.utils.logging.get_verbosity()
    hub.utils.logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        hub.utils.logging.set_verbosity(before)
