"""Export one model of each of the zoo's methods, and say which files are their models.

    python tools/export_sweep.py OUT.json [--only NAME,NAME] [--size H W] [--page docs/export-zoo.md]

A small recipe of each method, with few repeated blocks in its backbone unless ``--full`` is given, is built with random
weights, whose last layer is scaled so that logits spread as those of a trained model do, and exported to ONNX in a
process of its own. The file is compared with the model under ONNX Runtime at SIZE (64 96), at two odd sizes and with
two images, and then again under OpenVINO. OUT.json is written after each model; one that is in it is not exported again
(``--again``: those that were not certified are; ``--full``: those with few blocks are, and where time or memory do not
reach for all of them, the result with few stays). ``--page`` writes the table.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import io
import json
import multiprocessing
import resource
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from segue.config.builder.build import build_model
from segue.errors import SegueError
from segue.export.compare import LIMITS, compare
from segue.export.graph import Graph
from segue.export.make import Options, fed, fits, model_logits, threshold_of
from segue.export.session import open_session
from segue.inference.exported import export, generated_cases
from segue.inference.load import class_names
from segue.inference.predictor import Predictor
from segue.recipes.catalogue import select
from segue.recipes.open import read_config

#: what names of small models hold, the smallest first
SMALL = ["mit-b0", "hr18s", "r18-d8", "r18-", "_r18", "slim", "pidnet-s", "stdc1", "mscan-t", "vit-t", "s12", "svt-s"]
SMALL += ["pcpvt-s", "d8_fcn", "d8-s_", "deit-s16_mln", "tiny", "swin-t", "s101-d8_fcn", "r50-d8_fcn", "r50", "naive"]
#: methods that take long to trace, after all others
LARGE = ["beit", "mae", "dpt", "swin", "twins", "convnext", "segnext", "mask2former", "maskformer", "knet", "san"]
LARGE += ["ocrnet", "fcn", "resnest", "mobilenet_v3"]
#: whether backbones keep their depth; set by --full
FULL = False
#: methods that need what is not here
EXCUSED = {"vpd": "needs Stable Diffusion, another package"}


def main() -> None:
    """Export, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="file of results")
    parser.add_argument("--only", default="*", help="methods, with commas; * stands for any letters")
    parser.add_argument("--size", nargs=2, type=int, default=(64, 96), metavar=("H", "W"), help="input that is traced")
    parser.add_argument("--page", type=Path, help="file for the table")
    parser.add_argument("--again", action="store_true", help="export those again that were not certified")
    parser.add_argument("--seconds", type=int, default=600, help="of the processor, for each model")
    parser.add_argument("--gigabytes", type=float, default=12, help="memory of each model")
    parser.add_argument("--full", action="store_true", help="backbones as deep as the recipes have them")
    args = parser.parse_args()
    global FULL
    FULL = args.full
    warmed()
    found: dict[str, Any] = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    for method, recipe in sorted(asked(recipes(), args.only).items(), key=lambda pair: place(pair[0])):
        before = found.get(method, {})
        if before and not (args.again and before["verdict"] != "certified") and not (FULL and before.get("cut")):
            continue
        start = time.perf_counter()
        if method in EXCUSED:
            found[method] = {"recipe": recipe, "verdict": "not tried", "why": EXCUSED[method]}
        else:
            cut = not args.full and shallow(read_config(recipe)["model"])
            now = alone(recipe, (args.size[0], args.size[1]), args.seconds, args.gigabytes)
            if FULL and before.get("verdict") == "certified" and now["verdict"] == "impossible":
                found[method] = before | {"whole": now["why"]}
            else:
                found[method] = {"recipe": recipe, "cut": cut} | now
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        said = {k: v for k, v in found[method].items() if k not in ("recipe",)}
        print(f"{method:20} {time.perf_counter() - start:6.0f} s  {json.dumps(said)[:300]}", flush=True)
    if args.page:
        args.page.write_text(page(found), encoding="utf-8")


def recipes() -> dict[str, str]:
    """A small recipe of each method."""
    names: dict[str, list[str]] = {}
    for entry in select("*", None):
        names.setdefault(entry.algorithm, []).append(entry.name)

    def size(name: str) -> tuple[bool, int, int, str]:
        place = next((i for i, part in enumerate(SMALL) if part in name), len(SMALL))
        return "levir" in name, place, len(name), name  # of pairs of images

    return {method: min(own, key=size) for method, own in names.items()}


def asked(known: dict[str, str], only: str) -> dict[str, str]:
    """Those of the methods that ``--only`` names.

    Raises:
        SystemExit: a name that none of them has.
    """
    names = [name.strip() for name in only.split(",")]
    for name in names:
        if not fnmatch.filter(known, name):
            raise SystemExit(f"--only {name}: no method is called so; there are {', '.join(sorted(known))}")
    return {method: known[method] for method in known if any(fnmatch.fnmatch(method, name) for name in names)}


def place(method: str) -> tuple[int, str]:
    """Where a method comes: what takes long comes last."""
    return LARGE.index(method) + 1 if method in LARGE else 0, method


def warmed() -> None:
    """Import what an export needs, by exporting a layer."""
    import onnxruntime  # noqa: F401
    import openvino  # noqa: F401

    torch.set_num_threads(1)  # a forked process has none of the threads of this one
    layer = torch.nn.Conv2d(3, 3, 3).eval()
    free = {"input": {0: torch.export.Dim.AUTO}}
    with contextlib.redirect_stdout(io.StringIO()):
        program = torch.export.export(layer, (torch.zeros(2, 3, 8, 8),), dynamic_shapes=free, strict=False)
        torch.onnx.export(program, (torch.zeros(2, 3, 8, 8),), dynamo=True, verbose=False)


def alone(recipe: str, size: tuple[int, int], seconds: int, gigabytes: float) -> dict[str, Any]:
    """What became of a recipe's export in a process of its own, with limits of time and memory.

    The process is forked, so that what this one imported need not be imported again.
    """
    context = multiprocessing.get_context("fork")
    mine, its = context.Pipe(duplex=False)

    def child() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (int(gigabytes * 2**30),) * 2)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))  # time passes faster on a busy machine
        its.send(tried(recipe, size))

    process = context.Process(target=child)
    process.start()
    its.close()
    try:
        found: dict[str, Any] = mine.recv()
    except EOFError:
        process.join()
        why = f"its process ended with status {process.exitcode}"
        why = f"took more than {seconds} s of the processor" if process.exitcode == -signal.SIGXCPU else why
        return {"verdict": "impossible", "why": why}
    process.join()
    return found


def tried(recipe: str, size: tuple[int, int]) -> dict[str, Any]:
    """What became of a recipe's export."""
    try:
        predictor = made(recipe, size)
        with tempfile.TemporaryDirectory() as folder:
            result = export(predictor, "onnx", Path(folder) / "model.onnx", size=size, options=Options())
            facts = result.certificate
            ways = {"onnxruntime": summed([one.facts() for one in result.comparisons])}
            try:
                ways["openvino"] = summed(under_openvino(predictor, result.file, size))
            except SegueError as error:
                ways["openvino"] = {"wrong": str(error)[:300], "largest": None, "agreement": None}
    except Exception as error:  # of one model among many
        cause = error.__cause__ or error  # torch's exporter says at length what to do, and the reason beneath
        return {"verdict": "impossible", "why": f"{type(cause).__name__}: {' '.join(str(cause).split())[:300]}"}
    far = facts["first_diverging"]
    why = "; ".join(facts["reasons"])[:300] + (f"; first layer: {far['layer']}" if far else "")
    free = facts["input"]["free"]
    return {"verdict": facts["verdict"], "why": why, "free": list(free), "skipped": result.skipped, **ways}


def shallow(model: dict[str, Any]) -> bool:
    """Leave out repeated blocks of the backbone, which a file has in as many copies; whether there were some."""
    backbone, cut = model.get("backbone") or {}, False
    kind = str(backbone.get("type", ""))
    neck = str((model.get("neck") or {}).get("type", ""))
    if kind.startswith("ResNet") and backbone.get("depth", 0) >= 50 and neck != "JPU":  # it passes maps on to heads
        backbone["depth"], cut = 18, True
        reads = model.get("neck") or model  # heads after a neck have its widths
        narrow(reads, {64 * 2**stage * 4: 64 * 2**stage for stage in range(4)})
    if isinstance(backbone.get("num_layers"), int) and backbone["num_layers"] > 4:
        backbone["num_layers"], cut = 4, True
        last = backbone.get("out_indices")
        if isinstance(last, (list, tuple)):
            backbone["out_indices"] = list(range(4))[-len(last) :]
    if isinstance(backbone.get("depths"), (list, tuple)):
        backbone["depths"], cut = [min(depth, 2) for depth in backbone["depths"]], True
    return cut


def narrow(node: Any, widths: dict[int, int]) -> None:
    """Replace the widths that heads and necks take of the backbone, wherever they stand."""
    own = (value for key, value in node.items() if key != "kernel_update_head") if isinstance(node, dict) else ()
    for child in own if isinstance(node, dict) else node if isinstance(node, (list, tuple)) else ():
        narrow(child, widths)
    if isinstance(node, dict):
        for key in ("in_channels", "c1_in_channels"):
            own = node.get(key)
            if isinstance(own, int):
                node[key] = widths.get(own, own)
            elif isinstance(own, (list, tuple)):
                node[key] = [widths.get(width, width) for width in own]


def made(recipe: str, size: tuple[int, int]) -> Predictor:
    """The recipe's model, its backbone with few blocks, with random weights and logits that spread."""
    cfg = read_config(recipe)
    if not FULL:
        shallow(cfg["model"])
    torch.manual_seed(0)
    model: Any = build_model(cfg).eval()
    classes, palette = class_names(cfg, model.num_classes)
    predictor = Predictor(model, cfg, classes, palette or [[0, 0, 0]] * len(classes))
    last = getattr(model.head, "conv_seg", None)
    if isinstance(last, torch.nn.Conv2d):
        spread = float(model_logits(Graph(model), generated_cases(predictor, size)[0].inputs).std())
        with torch.no_grad():
            last.weight.mul_(3 / max(spread, 1e-20))
    return predictor


def under_openvino(predictor: Predictor, file: Path, size: tuple[int, int]) -> list[dict[str, Any]]:
    """The comparisons of the same file there."""
    session, model = open_session(file, "openvino"), predictor.model
    found = []
    for case in generated_cases(predictor, size):
        images = fed(Graph(model), case)
        if fits(session.shape, images.shape):
            wanted, own = model_logits(Graph(model), case.inputs), session.run(images.numpy())
            name, shape = case.name, tuple(images.shape)
            found.append(compare(name, shape, wanted, own, LIMITS["float32"], threshold_of(model)).facts())
    return found


def summed(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """The worst of some comparisons."""
    far = [case["largest"] for case in cases if case["largest"] is not None]
    return {
        "cases": len(cases),
        "largest": max(far, default=None),
        "agreement": min((case["agreement"] for case in cases), default=None),
        "near_ties": max((case["near_ties"] for case in cases), default=None),
        "wrong": next((case["wrong"] for case in cases if case["wrong"]), ""),
    }


def page(found: dict[str, Any]) -> str:
    """The table."""
    counts = {kind: sum(one["verdict"] == kind for one in found.values()) for kind in
              ("certified", "refused", "impossible", "not tried")}  # fmt: skip
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    here = sum(not one["openvino"]["wrong"] for one in found.values() if "openvino" in one)
    whole = sum(one["verdict"] == "certified" and not one.get("cut") for one in found.values())
    lines = [
        "# Exports of the zoo",
        "",
        "Written by `python tools/export_sweep.py OUT.json --page docs/export-zoo.md`. Random weights, logits spread",
        "as in trained models; four inputs each: one size, two odd ones, two images at once. Where `few blocks`",
        "stands, repeated blocks of the backbone were left out (ResNet-18 for deeper ones); `--full` leaves none out.",
        "",
        f"{len(found)} methods: {said}; {here} files give the model's results under OpenVINO as well.",
        f"{whole} of the certified ones were seen with all their blocks.",
        "",
        "| method | recipe | ONNX Runtime | free sizes | largest difference | labels that agree | OpenVINO | why |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, one in sorted(found.items()):
        own, other = one.get("onnxruntime", {}), one.get("openvino", {})
        far = "" if own.get("largest") is None else f"{own['largest']:.1e}"
        share = "" if own.get("agreement") is None else f"{own['agreement']:.2%}"
        said = "" if not other else other["wrong"] or f"{other['largest']:.1e}"
        why = " ".join(one["why"].split()).replace("|", "/")
        free = ", ".join(one.get("free", ()))
        why += f"with all blocks: {one['whole']}" if "whole" in one else ""
        few = ", few blocks" if one.get("cut") else ""
        lines.append(
            f"| {method} | `{one['recipe']}`{few} | {one['verdict']} | {free} | {far} | {share} | {said} | {why} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
