"""Write ``segue/reference/attributes.json``: arguments of mmseg's models that become attributes, with their defaults.

    python tools/record_attributes.py segue/reference/attributes.json

Run it where mmseg 1.2.2, mmengine and mmcv (or mmcv-lite) are installed. Recorded are names and plain defaults (null
where there is none), and only of arguments that the class keeps under the same name.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

from record_reference import stub_operators

ROOMS = ("backbones", "necks", "decode_heads", "losses", "segmentors")
#: what is a module or an option of one, whatever its default
MODULES = ("loss_decode", "sampler", "init_cfg", "neck", "auxiliary_head", "train_cfg", "test_cfg")


def kept(cls: type) -> dict[str, Any]:
    """Arguments and defaults of a class, those of its bases behind its own."""
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        if not base.__module__.startswith("mmseg.") or "__init__" not in vars(base):
            continue
        source = inspect.getsource(base)
        for name, parameter in inspect.signature(base.__init__).parameters.items():  # type: ignore[misc]
            stored = re.search(rf"self\.{name}\s*=[^=]", source)
            default = None if parameter.default is parameter.empty else parameter.default
            if stored and name not in {"self", "kwargs", *found, *MODULES} and _is_plain(default):
                found[name] = _coded(default)
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for item in value.values())
    return value is None or isinstance(value, (bool, int, float, str))


def _coded(value: Any) -> Any:
    """As JSON; a tuple is ``{"tuple": [...]}``."""
    if isinstance(value, (list, tuple)):
        items = [_coded(item) for item in value]
        return {"tuple": items} if isinstance(value, tuple) else items
    return {key: _coded(item) for key, item in value.items()} if isinstance(value, dict) else value


def main(target: str) -> None:
    """Record every class of the models' registry."""
    stub_operators()
    importlib.import_module("mmseg.models")
    registry: Any = importlib.import_module("mmseg.registry")
    found = {}
    for name, cls in sorted(registry.MODELS.module_dict.items()):
        ours = inspect.isclass(cls) and cls.__module__.startswith(tuple(f"mmseg.models.{room}" for room in ROOMS))
        if ours and (attributes := kept(cls)):
            found[name] = dict(sorted(attributes.items()))
    lines = (f" {json.dumps(name)}: {json.dumps(attributes)}" for name, attributes in found.items())
    Path(target).write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
