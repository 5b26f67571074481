"""Options that would do nothing on the way that a command goes: each is refused by its name, not dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.cli import main
from segue.errors import InputError, refuse


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A config of each kind, and a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.py").write_text("model = dict(type='EncoderDecoder')\n")
    (tmp_path / "photos").mkdir()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("config show config.py --origins --yaml", "--yaml: --origins prints lines of text, or JSON with --json"),
        ("config migrate config.py --check --out new.py", "--out: --check lists what becomes of each key, and writes"),
        ("convert dataset --list --workers 2", "--workers: the list of datasets takes no such thing"),
        ("convert dataset cityscapes a.zip --list", "NAME, INPUTS: the list of datasets takes no such thing"),
        ("convert dataset --out there --force", "--out, --force: the list of datasets takes no such thing"),
        (
            "models ocrnet_hr18_4xb2-40k_cityscapes-512x1024 --data ade20k",
            "--data: only for a pattern; a whole name says its data and licences itself",
        ),
        ("weights convert a.pth b.safetensors --cfg-options a=1", "--cfg-options: belongs to the config that --config"),
        ("weights convert a.pth b.safetensors --trust-config", "--trust-config: belongs to the config that --config"),
        ("weights fetch a.pth --cfg-options a=1", "--cfg-options: only for configs and recipes, and none is named"),
        ("weights fetch a.pth --trust-config", "--trust-config: only for configs and recipes, and none is named"),
        ("weights fetch config.py --all", "--all: only for recipes, and none is named"),
        ("check photos --cfg-options a=1", "--cfg-options: only for a config; this is a folder"),
        ("check photos --trust-config", "--trust-config: only for a config; this is a folder"),
        ("check config.py --num-classes 2", "--num-classes: only for a folder; a config says so itself"),
        ("pack photos out --splits val", "--splits: only for a config; this is a folder, all of which is packed"),
        ("pack photos out --cfg-options a=1", "--cfg-options: only for a config; this is a folder"),
    ],
)
def test_refused(command: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(command.split())
    printed = capsys.readouterr()
    assert status == 1, printed
    assert printed.err.startswith(f"segue {command.split()[0]}: {message}")


def test_what_counts_as_given() -> None:
    refuse({"--a": None, "--b": False, "--c": [], "--d": ()}, "never")
    with pytest.raises(InputError, match=r"^--zero, --text: why$"):
        refuse({"--none": None, "--zero": 0, "--text": ""}, "why")
