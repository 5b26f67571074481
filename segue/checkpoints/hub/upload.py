"""Bring the files of a model to a hub, as one commit, and look whether they arrived."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    with client.in_words(address, address.revision, advice=client.WRITE_ADVICE), client.bars(hub):
        api.create_repo(address.repo, private=private or None, exist_ok=True)
        files = [hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(folder / name)) for name in names]
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
