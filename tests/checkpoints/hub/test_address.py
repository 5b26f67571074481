"""Names of models at a hub."""

from __future__ import annotations

import pytest

from segue.checkpoints.hub.address import Address, is_hub, is_plain, parse
from segue.errors import InputError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hf://org/name", Address("org/name")),
        ("hf://org/name-b0.v1_x@v1.0", Address("org/name-b0.v1_x", "v1.0")),
        ("hf://org/name@" + "a" * 40, Address("org/name", "a" * 40)),
        ("hf://org/name@main/model.safetensors", Address("org/name", "main", "model.safetensors")),
        ("hf://org/name/a/b.bin", Address("org/name", "main", "a/b.bin")),
        ("hf://org/name@refs/pr/3", Address("org/name", "refs/pr/3")),
        ("hf://org/name@refs/pr/3/w.safetensors", Address("org/name", "refs/pr/3", "w.safetensors")),
        ("hf://org/name@feature%2Fx", Address("org/name", "feature/x")),
    ],
)
def test_parts(text: str, wanted: Address) -> None:
    assert parse(text) == wanted and is_hub(text)
    assert wanted.is_commit == (wanted.revision == "a" * 40)


@pytest.mark.parametrize(
    "text",
    [
        "hf://", "hf://name", "hf://org/", "hf://org/name@", "hf://org/name@a@b", "hf://../name", "hf://org/..",
        "hf://org/a..b", "hf://org/a--b", "hf://org/name/../x", "hf://org/name/%2e%2e/x", "hf://org/name@..",
        "hf://org/name@refs/../../x", "hf://org/name//x", "hf://org/na me", "hf://org/name/a\\..\\b",
        "hf://o/" + "n" * 200,        "https://org/name", "hf://org/name@a%2F..%2Fb", "hf://org/name/C:x",
    ],
)  # fmt: skip
def test_no_names(text: str) -> None:
    with pytest.raises(InputError):
        parse(text)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/../b", "/etc/x", "a//b", "a\\b", "c:x", "a\0b", "a\nb", " a", "a/ "]
)
def test_not_plain(name: str) -> None:
    assert not is_plain(name)
    assert is_plain("a/b.c") and is_plain("model-00001-of-00002.safetensors")
