"""Files of tools that are not read: the message names the tool and its export that works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segue.errors import DataError
from segue.masks.formats import recognize
from segue.masks.tools import one_per_line, tool_of

LABELBOX = {"data_row": {"external_id": "a.jpg"}, "projects": {}}
TOOLS: dict[str, Any] = {
    "Labelbox": [LABELBOX, {"ID": "x", "External ID": "a.jpg", "Label": {}}],
    "V7 Darwin": [
        {"version": "2.0", "item": {"name": "a"}, "annotations": []},
        {"dataset": "d", "image": {"filename": "a.jpg"}, "annotations": []},
    ],
    "SuperAnnotate": [{"metadata": {"name": "a"}, "instances": []}, {"a.jpg": {"instances": [], "metadata": {}}}],
    "Datumaro": [{"dm_format_version": "1.0", "items": []}],
    "Encord": [{"label_hash": "x", "data_units": {}}],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_named(tool: str) -> None:
    for data in TOOLS[tool]:
        assert tool_of(data).startswith(tool) and ("COCO" in tool_of(data) or "PNG" in tool_of(data))
    assert tool_of([]) == "" and tool_of({"x": 1}) == ""


def test_one_object_per_line(tmp_path: Path) -> None:
    path = tmp_path / "export.ndjson"
    path.write_text("\n".join(json.dumps(LABELBOX) for _ in range(3)))
    assert one_per_line(str(path)) == LABELBOX
    whole = tmp_path / "export.json"
    whole.write_text(json.dumps([LABELBOX], indent=1))
    assert one_per_line(str(whole)) is None
    with pytest.raises(DataError, match=r"Perhaps Labelbox: convert its export to COCO"):
        recognize(str(tmp_path), ["export.json"])
