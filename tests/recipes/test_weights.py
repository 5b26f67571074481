"""Weights of all recipes. Oracle: the reference's 681 configs name 75 files of weights, and 614 are published."""

from __future__ import annotations

from segue.checkpoints.downloads.catalogue import look_up
from segue.checkpoints.downloads.fetch import aliases
from segue.recipes.weights import all_weights


def test_what_recipes_start_from() -> None:
    """Each is a known alias, an https address, or one of the nine files that users must bring."""
    users = dict(all_weights())
    assert len(users) == 76  # with VPD's two files and CLIP's vocabulary
    named = {source for source in users if "://" in source and not source.startswith("https://")}
    assert len(named) == 13 and named <= set(aliases())
    assert sum(source.startswith("https://") for source in users) == 54
    assert sum("pretrain/" in source and "://" not in source for source in users) == 9
    assert len(users["open-mmlab://msra/hrnetv2_w48"]) == 22


def test_published_weights() -> None:
    """All are at the publisher's host: the reference mistyped one."""
    users = dict(all_weights(trained=True))
    starts = dict(all_weights())
    trained = [source for source in users if source not in starts]
    assert len(users) == 690 and all(source.startswith("https://download.openmmlab.com/") for source in trained)
    assert all(look_up(source).url == source for source in trained)


def test_selecting() -> None:
    assert [source for source, _ in all_weights("ocrnet*")] == [
        *(f"open-mmlab://msra/hrnetv2_{width}" for width in ("w18", "w18_small", "w48")),
        "open-mmlab://resnet101_v1c",
    ]
    assert [source for source, _ in all_weights("*STDC1*")] == [
        "https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/stdc/stdc1_20220308-5368626c.pth"
    ]
