"""The walk over a project's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.errors import InputError
from segue.migration.find import find
from tests.migration import projects


def test_a_project(tmp_path: Path) -> None:
    root = projects.write(tmp_path, projects.NEW)
    (root / "env").mkdir()
    (root / "env/pyvenv.cfg").touch()
    (root / "env/lib.py").write_text("model = dict(type='A')\n")
    (root / "link").symlink_to(root / "town")
    (root / "a.yaml").write_text("_base_: configs/plain.py\n")
    (root / "b.yaml").write_text("names: [1, 2]\n")
    (root / "c.json").write_text('{"model": {"type": "EncoderDecoder"}}')
    project = find(root)
    assert [source.path for source in project.of("script")] == ["tools/benchmark.py", "tools/train.py"]
    assert [source.path for source in project.of("module")] == [
        f"town/{name}.py" for name in ("dataset", "det", "extra", "heads", "moved", "ops")
    ]
    assert [source.path for source in project.of("broken")] == ["configs/broken.py"]
    assert len(project.of("config")) == 13 and project.documents == ["a.yaml", "c.json"]
    assert project.left_out == ["data/: data", "env/: a Python environment", "link/: a link"]
    assert not any("evil" in path or "env" in path for path in project.texts)


def test_copies_of_mmseg_and_roots_of_imports(tmp_path: Path) -> None:
    root = projects.write(tmp_path, {f"third/{p}": t for p, t in projects.FORK.items()} | projects.LAYOUT)
    project = find(root)
    assert project.vendored == ["third/mmseg"] and project.is_vendored("third/mmseg/models/__init__.py")
    head = next(source for source in project.sources if source.path.endswith("own_head.py"))
    assert head.place == "mmseg/models/decode_heads/own_head.py"
    assert "mmseg.models.decode_heads.own_blocks" in {item.module for item in head.imports}
    assert project.folders() == [".", "src", "third"]


def test_large_files_are_no_sources(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_text("#" * (1 << 20) + "\n")
    project = find(tmp_path)
    assert not project.sources and project.left_out == ["big.py: 1,048,577 bytes is no source"]


def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="loop: is not a folder"):
        find(tmp_path / "loop")
    with pytest.raises(InputError, match=r"none: is not a folder; give the folder that holds the project's configs"):
        find(tmp_path / "none")
