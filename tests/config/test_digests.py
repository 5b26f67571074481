"""``tools/config_digests.py``: digests computed by hand with hashlib on canonical JSON."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "config_digests.py"


def run(folder: Path, resolved: dict[str, str]) -> tuple[int, str]:
    (folder / "index.json").write_text(json.dumps({"resolved": resolved}))
    command = [sys.executable, str(TOOL), str(folder), str(folder / "index.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TOOL.parents[1], env={"PYTHONPATH": "."})
    assert not done.stderr
    return done.returncode, done.stdout


def test_right_wrong_missing_and_none(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("b = (1, dict(c=None))\na = {1: 2.5}\n")
    right = hashlib.sha256(b'{"a": {"1": 2.5}, "b": [1, {"c": null}]}').hexdigest()[:16]
    code, text = run(tmp_path, {"a.py": right})
    assert code == 0 and text.startswith("1 of 1 configs resolve to the recorded digests in ")
    code, text = run(tmp_path, {"a.py": "0" * 16, "none.py": right})
    assert code == 1 and f"a.py: digest {right}, recorded {'0' * 16}\n" in text
    assert "none.py: " in text and "0 of 2 configs" in text
    code, text = run(tmp_path, {})
    assert code == 1 and "0 of 0 configs" in text
