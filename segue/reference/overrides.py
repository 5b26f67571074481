"""Which methods the classes of the reference have that it calls on itself or from elsewhere, so that overriding counts.

``overrides.json`` is what ``tools/record_overrides.py`` found by looking at mmseg 1.2.2 with mmengine and mmcv.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

#: What hooks are called at.
HOOK_POINTS = (
    "before_run after_load_checkpoint before_train before_train_epoch before_train_iter after_train_iter "
    "after_train_epoch before_val before_val_epoch before_val_iter after_val_iter after_val_epoch after_val "
    "before_save_checkpoint after_train before_test before_test_epoch before_test_iter after_test_iter "
    "after_test_epoch after_test after_run before_epoch after_epoch before_iter after_iter"
)
#: What 0.x calls beside, by room and, where it is one class only, by name.
OLD = {
    ("heads", ""): "losses forward_train forward_test",
    ("datasets", "CustomDataset"): "load_annotations get_ann_info pre_pipeline prepare_train_img prepare_test_img "
    "format_results pre_eval evaluate get_gt_seg_map_by_idx get_classes_and_palette get_palette_for_custom_classes",
    ("models", "BaseSegmentor"): "forward_train simple_test",
    ("models", "EncoderDecoder"): "forward_train simple_test",
    ("models", "CascadeEncoderDecoder"): "forward_train simple_test",
    ("hooks", "Hook"): HOOK_POINTS,  # called by name, as text
    ("transforms", "LoadAnnotations"): "__call__",
}


@functools.cache
def _table() -> dict[str, dict[str, frozenset[str]]]:
    text = Path(__file__).with_suffix(".json").read_text("utf-8")
    found: dict[str, dict[str, frozenset[str]]] = {}
    for room, groups in json.loads(text).items():
        for names, methods in groups.items():
            for name in names.split():
                found.setdefault(room, {})[name] = frozenset(methods.split())
    return found


def classes_of(room: str) -> list[str]:
    """The classes of the reference in a room."""
    return sorted(_table().get(room, {}))


def methods_of(room: str, name: str) -> frozenset[str]:
    """The methods of a class of the reference, inherited ones included; none where there is no such class."""
    found = set(_table().get(room, {}).get(name, ()))
    for key in ((room, ""), (room, name)):
        found |= set(OLD.get(key, "").split())
    return frozenset(found)
