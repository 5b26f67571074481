"""Record 20 steps of every optimizer constructor, as an oracle of tests/training/optimization/test_constructors.py.

Run with an interpreter that has mmengine and mmseg 1.2.2:

    python tools/record_constructors.py tests/training tests/training/data/constructors.json.gz

Of each trained parameter the learning rate, momentum (of AdamW the first beta) and weight decay before each step.
"""

from __future__ import annotations

import gzip
import json
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

stand_in = types.ModuleType("mmcv._ext")  # mmcv without its compiled part will do
stand_in.__spec__ = ModuleSpec("mmcv._ext", None)
sys.modules["mmcv._ext"] = stand_in

import mmengine.optim  # noqa: E402
import mmseg.engine.optimizers  # noqa: E402
from mmengine.registry import PARAM_SCHEDULERS  # noqa: E402


def record(case: dict[str, Any], models: Any) -> list[Any]:
    """Groups of parameters with their 20 triples, or what is said where mmengine refuses."""
    model = models.make(case["model"])
    optimizer = dict(models.OPTIMIZERS[case["optimizer"]])
    cls = getattr(mmengine.optim, case["constructor"], None) or getattr(mmseg.engine.optimizers, case["constructor"])
    wrapper = cls({"type": "OptimWrapper", "optimizer": optimizer}, dict(case["paramwise"]))(model)
    nodes = models.SCHEDULES[case["schedule"]]
    schedulers = [PARAM_SCHEDULERS.build(dict(node), default_args={"optimizer": wrapper.optimizer}) for node in nodes]
    steps = []
    for _ in range(20):
        steps.append(models.values(wrapper.optimizer, model))
        wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    alike: dict[str, list[str]] = {}
    for name in steps[0]:
        alike.setdefault(json.dumps([step[name] for step in steps]), []).append(name)
    return [[names, json.loads(text)] for text, names in alike.items()]


def main() -> int:
    """Record all cases."""
    sys.path.insert(0, sys.argv[1])
    import constructor_models as models

    rows = ",\n".join(json.dumps(record(case, models)) for case in models.CASES)
    Path(sys.argv[2]).write_bytes(gzip.compress(f"[\n{rows}\n]\n".encode(), mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
