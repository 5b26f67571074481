"""The one walk over heads and datasets, and that those who need one see what is inside wrappers and lists."""

from __future__ import annotations

from typing import Any

import pytest

from segue.config import Config
from segue.config.nodes import dataset_nodes, heads_in, heads_of, losses_of
from segue.doctor.doctor import _class_counts
from segue.errors import ConfigError
from segue.inference.load import class_names
from segue.inference.predictor import image_pipeline
from segue.inference.views import with_views
from segue.recipes.compose import heads
from segue.training.parts import check_classes

LOAD = [{"type": "LoadImageFromFile"}, {"type": "PackSegInputs"}]
CITY = {"type": "CityscapesDataset", "pipeline": LOAD}
#: datasets inside wrappers, with the path of the first
WRAPPED: list[tuple[Any, str]] = [
    (CITY, ""),
    ({"type": "RepeatDataset", "times": 2, "dataset": CITY}, ".dataset"),
    ({"type": "ConcatDataset", "datasets": [CITY, CITY]}, ".datasets.0"),
    ({"type": "RepeatDataset", "dataset": {"type": "ConcatDataset", "datasets": [CITY]}}, ".dataset.datasets.0"),
]


@pytest.mark.parametrize(("node", "path"), WRAPPED)
def test_datasets(node: Any, path: str) -> None:
    assert next(dataset_nodes(node, "d")) == (f"d{path}", CITY)
    cfg = Config({"test_dataloader": {"dataset": node}, "tta_pipeline": LOAD})
    assert class_names(cfg, 19)[0][:2] == ("road", "sidewalk"), "names are found behind wrappers"
    assert len(image_pipeline(cfg)[1]) == 1, "so is the pipeline"
    changed = with_views(Config({"test_dataloader": {"dataset": node}, "tta_pipeline": [{"type": "TestTimeAug"}]}))
    found = next(dataset_nodes(changed["test_dataloader"]["dataset"], ""))[1]
    assert found["pipeline"] == [{"type": "TestTimeAug"}]


def test_heads() -> None:
    """One head or a list of them; none where there is none."""
    cfg = {"model": {"decode_head": {"num_classes": 2}, "auxiliary_head": [{"num_classes": 2}, {"num_classes": 3}]}}
    assert [path for path, _ in heads_of(cfg)] == ["model.decode_head", *(f"model.auxiliary_head.{i}" for i in (0, 1))]
    assert list(heads_of({})) == list(heads_in(None, "x")) == []
    head = {"loss_decode": [{"type": "A"}, {"type": "B"}]}
    assert [path for path, _ in losses_of(head, "h")] == ["h.loss_decode.0", "h.loss_decode.1"]


def test_every_head_is_compared_with_the_data() -> None:
    """By training and by the doctor, which name the same one."""
    cfg = Config(
        {"model": {"decode_head": {"num_classes": 2}, "auxiliary_head": [{"num_classes": 2}, {"num_classes": 3}]}}
    )
    with pytest.raises(ConfigError, match=r"^model\.auxiliary_head\.1\.num_classes: is 3, but data has 2 classes"):
        check_classes(cfg, ("a", "b"), "data")

    class Two:
        rules = type("Rules", (), {"num_classes": 2})

    [finding] = _class_counts(cfg, [Two()])  # type: ignore[list-item]
    assert finding.message == "model.auxiliary_head.1.num_classes is 3, but the data has 2 classes"


def test_heads_of_a_recipe() -> None:
    """Of K-Net's, the head that predicts; a list in its order."""
    inner = {"type": "UPerHead"}
    assert heads({"type": "IterativeDecodeHead", "kernel_generate_head": inner}) == [inner]
    assert heads([{"type": "FCNHead"}, {"type": "PSPHead"}]) == [{"type": "FCNHead"}, {"type": "PSPHead"}]
    assert heads(None) == []
