"""Show which decisions two processors take otherwise in one model, and what they do to its gradients.

    python tools/decisions.py DIR --only TEXT [--configs FILE] [--salt S]

One training step of the first model of DIR (as ``goldens.py`` builds it) whose config's path contains TEXT runs as this
machine computes it, and then as others would: with less of its instruction set. For each it prints how many inputs of
ReLUs changed sign, how near zero they were (relative to the largest input of the same ReLU), the worst deviation of a
gradient norm, and the same again with the first run's decisions. Where the last figure is small and the one before is
not, decisions are the whole of the difference.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from goldens import edges_of, fill, find_configs, image, labels, read_json
from rounding import relative, training_step
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from segue.config.builder.build import build_model
from segue.types import Targets

SETTINGS = (
    {"ATEN_CPU_CAPABILITY": "default"},
    {"ATEN_CPU_CAPABILITY": "avx2"},
    {"DNNL_MAX_CPU_ISA": "SSE41"},
    {"DNNL_MAX_CPU_ISA": "AVX2"},
)


class Decisions(TorchDispatchMode):
    """Notes the inputs of all ReLUs, and lets gradients pass where FORCED, the inputs of another run, are positive."""

    def __init__(self, forced: list[Tensor] | None = None) -> None:
        super().__init__()
        self.forced, self.inputs, self.place = forced, [], {}  # place: which ReLU filled the memory at an address

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        aten = torch.ops.aten
        if operator in (aten.relu.default, aten.relu_.default):
            seen = args[0].detach().clone()
            out = operator(*args, **(kwargs or {}))
            self.place[out.data_ptr()] = len(self.inputs)
            self.inputs.append(seen)
            return out
        if operator is aten.threshold_backward.default and self.forced is not None:
            return args[0] * (self.forced[self.place[args[1].data_ptr()]] > 0)
        return operator(*args, **(kwargs or {}))


def step(golden: dict[str, Any], config: dict[str, Any], salt: str, forced: list[Tensor] | None = None) -> Any:
    """The inputs of all ReLUs, and the gradient norms."""
    model = build_model(config)
    fill(model.state_dict(), salt)
    height, width = golden["size"]
    label = labels(height, width, model.num_classes, salt=salt)
    model.train()
    for module in model.modules():
        if "Norm" in type(module).__name__ or "Drop" in type(module).__name__:
            module.eval()
    targets = Targets(labels=label[None], edges=edges_of(label)[None], depth=((label % 80) / 8 + 0.5)[None])
    with Decisions(forced) as decisions:
        norms = training_step(model, image(height, width, salt=salt), targets)["grad"]
    return decisions.inputs, norms


def worst(norms: dict[str, float], others: dict[str, float]) -> float:
    """The largest relative difference of two runs' norms."""
    floor = 1e-6 * max(others.values())
    return max(relative(norms[name], value, floor) for name, value in others.items())


def main() -> None:
    """Run the model here, and itself under each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--only", required=True, help="part of a config's path")
    parser.add_argument("--configs", type=Path, help="resolved configs by path, gzipped JSON")
    parser.add_argument("--salt", default="", help="salt of weights, image and labels")
    parser.add_argument("--against", type=Path, help=argparse.SUPPRESS)  # the first run's file, in the other runs
    args = parser.parse_args()
    torch.set_num_threads(1)
    for path in sorted(args.folder.glob("*.json.gz")):
        golden = read_json(path)
        names = golden.get("configs") or [golden["config"]]
        if any(args.only in name for name in names):
            break
    else:
        raise SystemExit(f"{args.folder}: no model with a config whose path contains {args.only}")
    config = read_json(args.configs or find_configs(args.folder))[names[0]]
    inputs, norms = step(golden, config, args.salt)
    if args.against is None:
        print(f"{names[0]}: {sum(x.numel() for x in inputs):,} inputs of {len(inputs)} ReLUs", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            torch.save((inputs, norms), Path(folder) / "first.pt")
            for setting in SETTINGS:
                print(" ".join(f"{k}={v}" for k, v in setting.items()), end=": ", flush=True)
                command = [sys.executable, *sys.argv, "--against", str(Path(folder) / "first.pt")]
                subprocess.run(command, env=os.environ | setting, check=True)
        return
    first, wanted = torch.load(args.against, weights_only=True)
    turned = [
        (a[m].abs() / a.abs().max()).tolist()
        for a, b in zip(first, inputs, strict=True)
        if (m := (a > 0) != (b > 0)).any()
    ]
    near = [value for values in turned for value in values]
    _, forced = step(golden, config, args.salt, first)
    said = f"{len(near)} signs changed" + (f" (at most {max(near):.1e} from zero)" if near else "")
    print(f"{said}; gradients {worst(norms, wanted):.1e}, with the first decisions {worst(forced, wanted):.1e}")


if __name__ == "__main__":
    main()
