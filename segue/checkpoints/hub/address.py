"""The names that models have at a hub: ``hf://org/name``, ``hf://org/name@revision``, ``hf://org/name@revision/file``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from segue.errors import InputError

SCHEME = "hf://"
DEFAULT_REVISION = "main"
PART = r"[A-Za-z0-9](?:[\w.-]*\w)?"
NAME = re.compile(
    rf"(?P<repo>{PART}/{PART})(?:@(?P<revision>refs/[\w.-]+/[\w.-]+|[^/@]+))?(?:/(?P<file>.+))?", re.ASCII
)
COMMIT = re.compile(r"[0-9a-f]{40}")
LONGEST = 96  # characters of a part, as hubs have it
FORM = "a model of a hub is named hf://organization/name, hf://organization/name@revision, or that and /file"


@dataclass(frozen=True)
class Address:
    """A model, or one of its files.

    Attributes:
        repo: ``organization/name``.
        revision: a branch, a tag or a commit.
        file: one file; empty: all that a model needs.
    """

    repo: str
    revision: str = DEFAULT_REVISION
    file: str = ""

    @property
    def is_commit(self) -> bool:
        """Whether the revision is a commit, which cannot move."""
        return COMMIT.fullmatch(self.revision) is not None

    @property
    def whole(self) -> str:
        """The name of the model at the revision."""
        return f"{SCHEME}{self.repo}@{self.revision}"

    def at(self, commit: str, file: str = "") -> str:
        """The name of a file at a commit, as lock files have it."""
        return str(replace(self, revision=commit, file=file))

    def __str__(self) -> str:
        return self.whole + (f"/{self.file}" if self.file else "")


def is_hub(source: object) -> bool:
    """Whether a source is a name at a hub."""
    return isinstance(source, str) and source.startswith(SCHEME)


def parse(text: str) -> Address:
    """What a name means.

    Raises:
        InputError: it is none.
    """
    found = NAME.fullmatch(text.removeprefix(SCHEME))
    if found is None or not is_hub(text):
        raise InputError(f"{text!r:.200}: {FORM}")
    repo, revision, file = found["repo"], unquote(found["revision"] or DEFAULT_REVISION), unquote(found["file"] or "")
    if ".." in repo or "--" in repo or any(len(part) > LONGEST for part in repo.split("/")):
        raise InputError(f"{text!r:.200}: {repo!r:.100} is no name that a model can have; {FORM}")
    if not is_plain(revision):
        raise InputError(f"{text!r:.200}: {revision!r:.100} is no name of a branch, tag or commit")
    if file and not is_plain(file):
        raise InputError(f"{text!r:.200}: {file!r:.100} is no name of a file in a repository")
    return Address(repo, revision, file)


def is_plain(name: str) -> bool:
    """Whether a name, with ``/`` between folders, stays below the folder that it is put into, on every system."""
    parts = name.split("/")
    odd = any(part in ("", ".", "..") or part != part.strip() for part in parts)
    return not odd and name.isprintable() and not set(name) & set('\\:*?"<>|') and not PurePosixPath(name).is_absolute()
