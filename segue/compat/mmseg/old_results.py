"""What a step of a pipeline written for mmseg 0.x finds in a sample: the names of 0.x over those of 1.x."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

#: 0.x's names of what a sample holds
NAMES = {"filename": "img_path", "gt_semantic_seg": "gt_seg_map"}
SHAPES = ("img_shape", "ori_shape", "pad_shape")
_NONE = object()


class SegFields(list[str]):
    """The keys of label maps; the one of 0.x is the one of 1.x."""

    def __contains__(self, key: object) -> bool:
        return list.__contains__(self, NAMES.get(str(key), key))

    def append(self, key: str) -> None:
        """One more."""
        if key not in self:
            list.append(self, NAMES.get(key, key))


class OldResults(dict[str, Any]):
    """A sample in which ``filename``, ``img_info``, ``gt_semantic_seg`` ... are found and set."""

    def __init__(self, sample: Mapping[str, Any]) -> None:
        super().__init__(sample)
        dict.__setitem__(self, "seg_fields", SegFields(sample.get("seg_fields") or ()))

    def __missing__(self, key: str) -> Any:
        found = self._derived(key)
        if found is _NONE:
            raise KeyError(key)
        return found

    def _derived(self, key: str) -> Any:
        if key in NAMES:
            return dict.get(self, NAMES[key], _NONE)
        folders = {"img_prefix": "img_path", "seg_prefix": "seg_map_path"}
        if key in folders and folders[key] in self:
            return os.path.dirname(str(self[folders[key]]))
        image, labels = (os.path.basename(str(dict.get(self, name, ""))) for name in ("img_path", "seg_map_path"))
        ann = {"seg_map": labels} if labels else {}
        made = {"ori_filename": image, "img_info": {"filename": image, "ann": ann}, "ann_info": ann}
        return made[key] if key in made and image else _NONE

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or (isinstance(key, str) and self._derived(key) is not _NONE)

    def get(self, key: str, default: Any = None) -> Any:
        """As of any dict."""
        found = dict.get(self, key, _NONE)
        found = self._derived(key) if found is _NONE else found
        return default if found is _NONE else found

    def __setitem__(self, key: str, value: Any) -> None:
        dict.__setitem__(self, NAMES.get(key, key), value)

    def __delitem__(self, key: str) -> None:
        dict.__delitem__(self, NAMES.get(key, key))

    def pop(self, key: str, *default: Any) -> Any:
        """As of any dict."""
        return dict.pop(self, NAMES.get(key, key), *default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As of any dict."""
        return dict.setdefault(self, NAMES.get(key, key), default)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As of any dict."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def copy(self) -> OldResults:
        """As of any dict."""
        return OldResults(self)


def plain(results: Mapping[str, Any]) -> dict[str, Any]:
    """The sample as 1.x has it."""
    made = {NAMES.get(key, key): value for key, value in dict(results).items()}
    if "seg_fields" in made:
        made["seg_fields"] = list(dict.fromkeys(NAMES.get(key, key) for key in made["seg_fields"]))
    for key in SHAPES:
        if key in made and len(made[key]) > 2:
            made[key] = tuple(made[key][:2])
    return made


def with_old_names(cls: Any) -> None:
    """Let the ``__call__`` of a user's class see samples as `OldResults`."""
    method = vars(cls)["__call__"]
    if getattr(method, "sees_old_names", False):
        return

    @functools.wraps(method)
    def call(self: Any, results: Any) -> Any:
        if not isinstance(results, Mapping) or isinstance(results, OldResults):
            return method(self, results)
        found = method(self, OldResults(results))
        return plain(found) if isinstance(found, Mapping) else found

    call.sees_old_names = True  # type: ignore[attr-defined]
    cls.__call__ = call
