"""Names of mmseg 0.x, as ``mim download`` and papers' repositories give them, to the names of the same recipes now.

``pspnet_r50-d8_512x1024_40k_cityscapes`` is ``pspnet_r50-d8_4xb2-40k_cityscapes-512x1024``: the trained weights that
are published for a recipe still have its former name.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("published.json")
_DATED = re.compile(r"(?:[_-]\d{8})?(?:[_-]\d{6})?-[0-9a-f]{8}\.pth")
#: Where the file has a third name.
_OTHERS = {
    f"setr_vit-large_{kind}_8x1_768x768_80k_cityscapes": f"setr_vit-l_{kind}_8xb1-80k_cityscapes-768x768"
    for kind in ("naive", "pup", "mla")
}


@cache
def published() -> dict[str, Any]:
    """What ``published.json`` says: ``recipes`` by name, ``papers``, and the ``base`` of addresses."""
    facts: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return facts


def current_name(name: str) -> str:
    """What a recipe is called now; other names pass."""
    return name if name in published()["recipes"] else former_names().get(name, name)


@cache
def former_names() -> dict[str, str]:
    """The former names and what they are now."""
    files = ((facts.get("weights", "").rpartition("/")[2], now) for now, facts in published()["recipes"].items())
    found = {_DATED.sub("", file): now for file, now in files if _DATED.search(file)}
    return {**{old: now for old, now in found.items() if old not in published()["recipes"]}, **_OTHERS}
