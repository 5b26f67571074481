"""What files say is shown on a terminal, and not obeyed."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from pathlib import Path

import pytest
import torch
from rich.console import Console
from rich.table import Table

from segue.checkpoints import save_weights
from segue.cli import main
from segue.system.shown import escape, shown_messages, visible

EVIL = "a\x1b]0;pwned\x07\x1b[2J\x9b31m\u202egnp.\r\x00[bold]b[/bold][link=x]"


def test_control_characters_are_spelled_out() -> None:
    shown = visible(EVIL)
    assert shown == r"a\x1b]0;pwned\x07\x1b[2J\x9b31m\u202egnp.\r\x00[bold]b[/bold][link=x]"
    assert visible("é 日本\tx\ny [b]") == "é 日本\tx\ny [b]", "honest text stays as it is"
    assert visible(ValueError("x\x1b")) == r"x\x1b" and visible("\udcff") == r"\udcff"


def test_markup_is_text() -> None:
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=True, color_system=None)
    table = Table("name", box=None)
    table.add_row(escape(EVIL))
    console.print(table)
    console.print(f"[bold]{escape('[red]x.png')}[/]")
    assert r"a\x1b]0;pwned\x07" in out.getvalue() and "[bold]b[/bold][link=x]" in out.getvalue()
    assert "[red]x.png" in out.getvalue()


@pytest.mark.parametrize("verb", ["inspect", "verify", "convert"])
def test_keys_and_classes_of_a_file(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the command prints of a stranger's weights has no escape sequence."""
    monkeypatch.chdir(tmp_path)
    for name in ("w.safetensors", "w\x1b[2J[bold].safetensors"):
        save_weights(name, {EVIL: torch.full((2,), torch.nan)}, {"classes": [EVIL], "experiment_name": EVIL})
        main(["weights", verb, name, *(["out.safetensors"] if verb == "convert" else [])])
        captured = capsys.readouterr()
        text = captured.out + captured.err
        assert text and not set(text) & {"\x1b", "\x07", "\x9b", "\u202e", "\x00", "\r"}
    if verb == "inspect":
        assert "[bold]" in text and r"\x1b" in text


def test_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.yaml"
    config.write_text('model: {type: "EncoderDecoder\\e[2J"}\n')
    assert main(["predict", str(config), "none.pth", str(tmp_path)]) == 1
    assert main(["train", str(tmp_path / "no\x1b[2J.py")]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_messages_of_anybody(capsys: pytest.CaptureFixture[str]) -> None:
    """Log records and warnings, whichever library they come from."""
    nasty = "\x1b]0;pwned\x07\u202e"
    with shown_messages():
        for name in ("segue", "lightning.pytorch", "another"):
            logging.getLogger(name).warning("a key %s", nasty)
        handler = logging.StreamHandler(sys.stdout)
        logging.getLogger("own").addHandler(handler)
        logging.getLogger("own").error(nasty)
        logging.getLogger("own").removeHandler(handler)
        print(warnings.formatwarning(nasty, UserWarning, "f.py", 3))
    said = "".join(capsys.readouterr())
    assert "\x1b" not in said and "\u202e" not in said and said.count(r"\x1b]0;pwned\x07\u202e") >= 2
    assert logging.getLogRecordFactory() is logging.LogRecord
    assert "\x1b" in warnings.formatwarning(nasty, UserWarning, "f.py", 3)
