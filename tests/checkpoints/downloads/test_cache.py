"""Which hash a file must have, and when it is hashed again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segue.checkpoints.downloads import cache
from segue.checkpoints.downloads.cache import Expected, cached_is_good, hash_in_name

MMSEG = "https://download.openmmlab.com/mmsegmentation/v0.5"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://x.org/resnet-2cccc1ad.pth", "2cccc1ad"),
        ("https://x.org/model-20210520.pth", None),  # a date
        ("https://x.org/model.pth", None),
        ("https://x.org/m_20200904-6a5d7e1b.pth", "6a5d7e1b"),
        (f"{MMSEG}/pspnet/p_20200605_094610-d222ffcd.pth", "d222ffcd"),
        (f"{MMSEG}/pretrain/swin/swin_tiny_patch4_window7_224_20220317-1cdeb081.pth", "1cdeb081"),
        (f"{MMSEG}/pidnet/pidnet-l_20230303_114514-0783ca6b.pth", None),  # published by mmseg 1.x
        (f"{MMSEG}/x/mobilenet-v2-d8-20230224_185436-13fef4ea.pth", None),
        (f"{MMSEG}/san/clip_vit-base-patch16-224_3rdparty-d08f8887.pth", None),
        ("https://download.pytorch.org/models/x_20230303-0783ca6b.pth", "0783ca6b"),
    ],
)
def test_hash_in_the_file_name(url: str, found: str | None) -> None:
    assert hash_in_name(url) == found


def test_an_untouched_file_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamp beside it saves other processes the work; a touched file is hashed again."""
    path = tmp_path / "w.pth"
    path.write_bytes(b"abc")
    calls: list[Path] = []
    real = cache.digest
    monkeypatch.setattr(cache, "digest", lambda path: calls.append(path) or real(path))
    expected = Expected("ba7816bf")  # SHA-256 of abc, from FIPS 180-2
    assert cached_is_good(path, expected) and cached_is_good(path, expected) and len(calls) == 1
    os.utime(path, ns=(0, 0))
    assert cached_is_good(path, expected) and len(calls) == 2
    assert not cached_is_good(path, Expected("00000000")) and not cached_is_good(path, Expected(size=4))
    assert not cached_is_good(tmp_path / "none.pth", Expected())
