"""torch.export's files, .pt2: what can be done with them without torch's reader, which unpickles."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import torch

from segue.errors import InputError
from segue.export.targets import KEY

LARGEST = 1 << 26  # bytes of a certificate
PLACE = f"extra/{KEY}"  # of the certificate in the archive


def write_program(program: Any, path: Path, notes: str | None = None) -> None:
    """Write a traced model; ``notes`` is the certificate."""
    torch.export.save(program, str(path), extra_files=None if notes is None else {KEY: notes})


def program_hash(path: Path) -> str:
    """SHA-256 of what a file holds, names and contents, without its certificate.

    Raises:
        InputError: it is no .pt2 file.
    """
    found = hashlib.sha256()
    with _archive(path) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(PLACE) and "/.data/" not in name:  # a name that the writer makes up each time
                found.update(name.partition("/")[2].encode())
                found.update(archive.read(name))
    return found.hexdigest()


def notes_of(path: Path) -> str | None:
    """The certificate within a file, without opening the rest of it."""
    with _archive(path) as archive:
        for name in archive.namelist():
            if name.endswith(PLACE):
                if archive.getinfo(name).file_size > LARGEST:
                    raise InputError(f"{path}: its certificate is larger than any that Segue writes")
                return archive.read(name).decode("utf-8", errors="replace")
    return None


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path}: no .pt2 file ({error})") from error
