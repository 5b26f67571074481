"""Context modules on a feature map of 1 x 2048 x 128 x 128, as in the OCR paper's table of complexity.

    python benchmarks/complexity.py [--side 128] [--device cuda] [--repeat 3]

Paper: arXiv:1909.11065, section 4.2. Parameters and operations (a product and a sum are two) are counted on tensors
without data. Each module is everything from the backbone's map to the map that is classified, without the classifier;
what a row is made of is in `MODULES`. Time and memory are measured in a process for each module, for one forward pass
without gradients in float32: the least of --repeat, and the most memory beside the module and its input, of torch's
allocator (on a CPU as its profiler records it). The result is
printed and written to benchmarks/results/ with the date.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from segue.heads.a2 import DoubleAttention  # noqa: E402
from segue.heads.aspp import ASPPHead  # noqa: E402
from segue.heads.cc import CCHead  # noqa: E402
from segue.heads.da import DAHead  # noqa: E402
from segue.heads.ocr import ObjectAttention, region_representations  # noqa: E402
from segue.heads.psp import PSPHead  # noqa: E402
from segue.layers.activation import RELU  # noqa: E402
from segue.layers.conv import ConvModule  # noqa: E402
from segue.layers.decode_head import HeadOptions  # noqa: E402
from segue.layers.norm import Norm  # noqa: E402
from segue.layers.pixel_attention import attend  # noqa: E402
from segue.layers.quick import in_parts  # noqa: E402

IN, WIDTH, KEYS, CLASSES, REGIONS = 2048, 512, 256, 19, 64
NORM = Norm()


def conv(c_in: int, c_out: int, kernel: int = 1, norm: Norm | None = NORM) -> ConvModule:
    return ConvModule(c_in, c_out, kernel, padding=kernel // 2, norm=norm, act=RELU if norm else None)


def options(channels: int = WIDTH) -> HeadOptions:
    return HeadOptions(in_channels=IN, channels=channels, num_classes=CLASSES, norm=NORM)


class OfHead(nn.Module):
    """A head without its classifier."""

    def __init__(self, head: nn.Module, embed: Callable[[list[Tensor]], Tensor]) -> None:
        super().__init__()
        self.head, self.embed = head, embed
        for name in ("conv_seg", "pam_conv_seg", "cam_conv_seg"):
            if hasattr(head, name):
                setattr(head, name, nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        return self.embed([x])


def of_head(kind: type, channels: int = WIDTH, **arguments: object) -> OfHead:
    head = kind(options(channels), **arguments)
    return OfHead(head, head.embed)


class ASPP(ASPPHead):
    """The paper's: branches of 256 channels joined by a 1 x 1 convolution, as DeepLabV3 has it; mmseg's is 3 x 3."""

    def __init__(self, options: HeadOptions) -> None:
        super().__init__(options, dilations=(1, 12, 24, 36))
        self.bottleneck = conv(5 * self.channels, self.channels)


class SelfAttention(nn.Module):
    """Relational context, equation 2: as OCR, but each pixel attends to all pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = conv(IN, WIDTH, 3)
        self.query, self.key, self.value = (conv(WIDTH, KEYS) for _ in range(3))
        self.out = conv(KEYS, WIDTH)
        self.bottleneck = conv(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = self.reduce(x)
        query, key, value = (project(x).flatten(2) for project in (self.query, self.key, self.value))
        context = attend(query, key, value, KEYS**-0.5).unflatten(2, x.shape[-2:])
        return self.bottleneck(torch.cat([self.out(context), x], dim=1))


class Double(nn.Module):
    """Double attention with 64 regions in the place of OCR's relation."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = conv(IN, WIDTH, 3)
        self.attention = DoubleAttention(WIDTH, channels=KEYS, num_descriptors=REGIONS, norm=NORM)
        self.bottleneck = conv(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = self.reduce(x)
        return self.bottleneck(torch.cat([self.attention(x) - x, x], dim=1))


class OCR(nn.Module):
    """Regions are given, as the head before predicts them (the paper counts that head with the backbone)."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = conv(IN, WIDTH, 3)
        self.attention = ObjectAttention(WIDTH, KEYS, NORM, RELU)

    def forward(self, x: Tensor) -> Tensor:
        regions = x[:, :CLASSES]
        x = in_parts(self.reduce, x)  # as OCRHead does
        return self.attention(x, region_representations(x, regions))


#: name: (how it is made, parameters in millions and operations in billions as the paper has them)
MODULES: dict[str, tuple[Callable[[], nn.Module], float, float]] = {
    "PPM": (partial(of_head, PSPHead), 23.1, 619),
    "ASPP": (lambda: OfHead(head := ASPP(options(KEYS)), head.embed), 15.5, 492),
    "DANet": (partial(of_head, DAHead, pam_channels=64), 10.6, 1110),
    "criss-cross": (partial(of_head, CCHead), 10.6, 804),
    "self-attention": (SelfAttention, 10.5, 619),
    "double attention": (Double, 10.2, 338),
    "OCR": (OCR, 10.5, 340),
}
#: Why a number is not the paper's.
REASONS = {
    "DANet": "the operations are those of two 3 x 3 convolutions 2048 > 512 (9.44 M) and two 512 > 512 (2.36 M) "
    "around both attentions, which hold 23.6 M parameters; 10.6 M is one 2048 > 512 and the projections",
    "criss-cross": "the operations are those of 3 x 3 convolutions 2048 > 512 (9.44 M), 512 > 512 (2.36 M) and "
    "2560 > 512 (11.80 M) and two passes of the attention, which hold 23.9 M parameters; 10.6 M is the first of them "
    "and the projections",
    "OCR": "the second convolutions of phi and psi, which the authors' program has, are 0.13 M; without them 10.49 M",
}


def counted(name: str, side: int) -> tuple[int, int]:
    """Parameters and operations."""
    with torch.device("meta"), torch.no_grad():
        module = MODULES[name][0]().eval()
        with FlopCounterMode(display=False) as counter:
            module(torch.zeros(1, IN, side, side))
    return sum(parameter.numel() for parameter in module.parameters()), int(counter.get_total_flops())


def measured(name: str, side: int, device: str, repeat: int) -> dict[str, float]:
    """Seconds, and megabytes beside the module and its input."""
    torch.manual_seed(0)
    module, x = MODULES[name][0]().eval().to(device), torch.randn(1, IN, side, side, device=device)
    cuda = device.startswith("cuda")
    with torch.inference_mode():
        module(x[..., :8, :8].contiguous())
        if cuda:
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
        times, processor = [], []
        for _ in range(repeat):
            begin = time.perf_counter(), time.process_time()
            module(x)
            if cuda:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - begin[0])
            processor.append(time.process_time() - begin[1])
        memory = torch.cuda.max_memory_allocated() - before if cuda else allocated(module, x)
    return {"wall": min(times), "cpu": min(processor), "memory": memory / 1e6}


def allocated(module: nn.Module, x: Tensor) -> int:
    """The most bytes that are held at once while ``module`` runs, beside what was held before."""
    with torch.profiler.profile(profile_memory=True, activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        module(x)
    with tempfile.TemporaryDirectory() as folder:
        profile.export_chrome_trace(f"{folder}/trace.json")
        events = json.loads(Path(folder, "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    held = [event["args"] for event in events if event.get("name") == "[memory]"]
    return max(args["Total Allocated"] for args in held) - (held[0]["Total Allocated"] - held[0]["Bytes"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=128, help="of the feature map that time and memory are measured on")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--measure", choices=tuple(MODULES), help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.measure:
        print(json.dumps(measured(args.measure, args.side, args.device, args.repeat)))
        return
    machine = torch.cuda.get_device_name() if args.device.startswith("cuda") else platform.machine()
    lines = [
        f"1 x {IN} x 128 x 128, torch {torch.__version__}; time and memory at {args.side} x {args.side}: {machine}, "
        f"{args.threads} threads, least of {args.repeat}",
        "",
        "| module | parameters | paper | operations | paper | time | processor time | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    options = ["--side", str(args.side), "--device", args.device, "--repeat", str(args.repeat)]
    for name, (_, million, billion) in MODULES.items():
        parameters, flops = counted(name, 128)
        run = [sys.executable, __file__, "--measure", name, *options, "--threads", str(args.threads)]
        facts = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
        cells = [
            f"{parameters / 1e6:.2f} M", f"{million} M ({parameters / 1e6 / million - 1:+.1%})",
            f"{flops / 1e9:.1f} G", f"{billion} G ({flops / 1e9 / billion - 1:+.1%})",
            f"{facts['wall']:.2f} s", f"{facts['cpu']:.2f} s", f"{facts['memory']:.0f} MB",
        ]  # fmt: skip
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    lines += ["", *(f"- {name}: {reason}." for name, reason in REASONS.items())]
    text = "\n".join(lines)
    print(text)
    (HERE / "results" / f"complexity-{datetime.date.today()}.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
