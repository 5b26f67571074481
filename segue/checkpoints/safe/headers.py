"""The header of a safetensors file, looked at before the library parses it into objects many times its size.

The format: 8 bytes with the length of the header, the header (JSON), the tensors' bytes. The library checks what the
header says about tensors; its size, and keys that are there twice, are checked here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

from segue.checkpoints.safe.limits import Budget

FREE_HEADER = 512 << 10  # 4,000 tensors with long names; files with more of them are large, and may have more
HEADER_SHARE = 16


def looks_like_safetensors(path: Path, head: bytes) -> bool:
    """Whether a file begins like a safetensors file, be its header cut off or its length a lie.

    A pickle of protocol 0 may have a brace there by chance; read as a length, its text is far above 2**48.
    """
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and (length < 1 << 48 or path.suffix == ".safetensors")


def check_header(file: BinaryIO, budget: Budget) -> None:
    """Refuse a header that is not there, too large for the file's tensors, not JSON, or names a tensor twice."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > budget.size - 8:
        raise budget.damaged(f"a header of {length} bytes is announced and not there")
    if length > FREE_HEADER + budget.size // HEADER_SHARE:
        raise budget.refused("has more header than the tensors of a file of its size can need")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise budget.damaged(f"its header names {key[:60]!r} twice")
            found[key] = value
        return found

    try:
        json.loads(file.read(length), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise budget.damaged("its header is not JSON") from error
