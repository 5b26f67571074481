"""What `segue test` will refuse is said before the training."""

from __future__ import annotations

from typing import Any

import pytest

from segue.training.later import refused_later

READ = {"type": "LoadImageFromFile"}


def views(*steps: Any) -> list[dict[str, Any]]:
    return [READ, {"type": "TestTimeAug", "transforms": [list(steps), [{"type": "PackSegInputs"}]]}]


def loader(*steps: Any) -> dict[str, Any]:
    return {"dataset": {"type": "FolderDataset", "data_root": "nowhere", "classes": ["a", "b"], "pipeline": [*steps]}}


@pytest.mark.parametrize(
    ("cfg", "said"),
    [
        (
            {"tta_pipeline": views({"type": "Resiz", "scale_factor": 1.0})},
            "segue test --tta will refuse this: tta_pipe",
        ),
        ({"tta_pipeline": [5]}, "segue test --tta will refuse this: tta_pipeline.0: "),
        ({"tta_pipeline": views(), "tta_model": {"type": "Mine"}}, "tta_model.type: views are merged as SegTTAModel"),
        (
            {"test_dataloader": loader(READ, {"type": "Resiz"})},
            "segue test will refuse this: test_dataloader.dataset.p",
        ),
        ({"test_dataloader": {**loader(READ), "batch_size": 0}}, "batch_size=0"),
        ({"test_evaluator": {"type": "IoUMetrik"}, "test_dataloader": loader(READ)}, "did you mean 'IoUMetric'?"),
        ({"tta_model": {"type": "SegTTAModl"}}, "tta_model.type: views are merged as SegTTAModel does, there is no"),
        (
            {"test_evaluator": {"type": "IoUMetrik"}, "test_dataloader": loader(READ), "val_dataloader": loader(READ)},
            "test_evaluator.type: ",
        ),
    ],
)
def test_said(cfg: dict[str, Any], said: str) -> None:
    (line,) = refused_later(cfg)
    assert said in line and line.startswith("segue test")


def test_many_are_counted() -> None:
    lines = refused_later({"tta_pipeline": [{"type": f"Resiz{i}"} for i in range(5)]})
    assert len(lines) == 4 and lines[-1] == "segue test --tta will refuse 2 more"


def test_nothing_to_say() -> None:
    good = loader(READ, {"type": "PackSegInputs"})
    assert refused_later({"tta_pipeline": views(), "tta_model": {"type": "SegTTAModel"}}) == []
    assert refused_later({"test_dataloader": good, "val_dataloader": good}) == []
    assert refused_later({"test_dataloader": good}) == []
