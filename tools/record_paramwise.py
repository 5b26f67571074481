"""Record the per-parameter settings that mmengine gives, as the oracle of tests/training/test_optimizers.py.

Run with an interpreter that has mmengine:

    python tools/record_paramwise.py tests/training tests/training/data/paramwise.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mmengine.optim import DefaultOptimWrapperConstructor


def main() -> int:
    """Record lr and weight decay of each parameter, for each ``paramwise_cfg``."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path.insert(0, str(folder))
    from optimizer_models import PARAMWISE, Model

    recorded = {}
    for case, paramwise in PARAMWISE.items():
        model = Model()
        names = {id(p): name for name, p in model.named_parameters()}
        wrapper = {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 6e-5, "weight_decay": 0.01}}
        built = DefaultOptimWrapperConstructor(wrapper, paramwise)(model)
        recorded[case] = {
            names[id(p)]: [group["lr"], group["weight_decay"]]
            for group in built.optimizer.param_groups
            for p in group["params"]
            if p.requires_grad
        }
    out.write_text(json.dumps(recorded, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
