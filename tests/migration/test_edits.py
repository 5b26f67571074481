"""Changes of texts. Oracle: the texts written out here, and Python, which must still parse them."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

from segue.migration.edits import (
    diff,
    fix_imports,
    import_modules,
    imports_only,
    replace_text,
    set_top_level,
    with_compat,
)
from segue.migration.needs import needs_of
from segue.migration.packages import Own
from segue.migration.source import read
from tests.migration import projects


def test_a_top_level_name_is_set() -> None:
    assert set_top_level("a = 1\n", "b", "2") == "a = 1\nb = 2\n"
    assert set_top_level("a = 1", "b", "2") == "a = 1\nb = 2\n"
    assert set_top_level("a = dict(\n    x=1,\n)\nb = 3\n", "a", "2") == "a = 2\nb = 3\n"
    new = import_modules("custom_imports = dict(\n    imports=['a'])\nx = 1\n", ["a"], ["b", "a"])
    assert new == "custom_imports = dict(imports=['a', 'b'], allow_failed_imports=False)\nx = 1\n"


def test_a_word_is_replaced_where_it_is_quoted() -> None:
    assert replace_text("a\nx = dict(type='A', b=\"AB\")\n", 2, "A", "C") == "a\nx = dict(type='C', b=\"AB\")\n"
    assert replace_text("a\n", 9, "A", "C") == "a\n"


def test_imports_are_mended() -> None:
    source = read("town/moved.py", projects.MOVED)
    text, said = fix_imports(source, needs_of(source, {"town"}).lacks)
    assert text.splitlines()[1:4] == [
        "from mmengine.model import BaseModule",
        "from mmcv.ops import point_sample",
        "from mmseg.registry import MODELS",
    ]
    assert sorted(said) == [
        "drop the import of mmcv.ops.contour_expand, which the file never uses",
        "import BaseModule from mmengine.model",
    ]


def test_what_cannot_be_mended_stays() -> None:
    """An indented import that goes leaves a statement; names in use without a counterpart are kept."""
    text = "def f():\n    from mmcv.ops import contour_expand\n\n\n"
    text += "from mmcv.ops import (\n    pixel_group as c,\n    BaseModule as p)\nc(p)\n"
    source = read("a.py", text)
    new, _ = fix_imports(source, needs_of(source, Own()).lacks)
    ast.parse(new)
    assert "    pass\n" in new
    assert "from mmcv.ops import pixel_group as c\nfrom mmengine.model import BaseModule as p\n" in new


def test_several_statements_on_a_line_are_left_alone() -> None:
    source = read("a.py", "from mmcv.ops import contour_expand; x = 1\n")
    assert fix_imports(source, needs_of(source, Own()).lacks)[0] == source.text


def test_the_line_of_a_script() -> None:
    """After the docstring and the future, before everything else."""
    assert with_compat(read("a.py", "@a\ndef f(): ...\n")).startswith("import segue.compat")
    text = '"""Train."""\nfrom __future__ import annotations\nimport os\n'
    assert with_compat(read("a.py", text)).splitlines()[2].startswith("import segue.compat")
    assert with_compat(read("a.py", "import os\n")).startswith("import segue.compat")
    assert imports_only("import a\nfrom b import c as d\nprint(1)\nif x:\n    import e\n") == (
        "import a\nfrom b import c as d\n"
    )


def test_diffs_can_be_applied(tmp_path: Path) -> None:
    """Oracle: git, for a changed file without a last newline, a new file, and one in a folder."""
    (tmp_path / "a.py").write_text("x = 1\ny = 2")
    patch = diff("a.py", "x = 1\ny = 2", "x = 1\ny = 3\n") + diff("new/b.py", "", "z = 1\n")
    done = subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.py").read_text() == "x = 1\ny = 3\n" and (tmp_path / "new/b.py").read_text() == "z = 1\n"
