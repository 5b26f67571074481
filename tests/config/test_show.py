"""``segue config show``: the printed lines, by hand."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from segue.cli import config as verb
from segue.config import Config
from segue.config.show import show, show_origins

from .tree_files import write


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    assert verb.run(parser.parse_args(["show", *words])) == 0
    return capsys.readouterr().out


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "sub").mkdir()
    write(tmp_path, base="m = dict(a=1, p=[dict(q=2)])\nr = dict()")
    write(tmp_path / "sub", child="_base_ = '../base.py'\nm = dict(\n    b='x')")
    return str(tmp_path / "sub" / "child.py")


def test_origins(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, file, "--origins", "--cfg-options", "m.a=5") == (
        "m.a = 5  # --cfg-options\nm.p.0.q = 2  # ../base.py:1\nm.b = 'x'  # child.py:3\nr = dict()  # ../base.py:2\n"
    )
    entries = json.loads(run(capsys, file, "--origins", "--json"))
    assert entries[2] == {"key": "m.b", "value": "x", "file": file, "line": 3}


def test_formats(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, file) == "m = dict(a=1, b='x', p=[dict(q=2)])\nr = dict()\n"
    assert json.loads(run(capsys, file, "--json")) == {"m": {"a": 1, "p": [{"q": 2}], "b": "x"}, "r": {}}
    assert "  a: 1\n" in run(capsys, file, "--yaml")


def test_on_a_terminal(file: str) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, color_system="standard")
    cfg = Config.fromfile(file)
    cfg.m.b = "y" * 90
    show_origins(cfg, console)
    show(cfg, console=console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" in text and "\x1b[" in text and "(python)" in text
