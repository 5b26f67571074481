"""Every neck of mmseg: arguments, maps, what comes out; what is refused."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from tests.compat.reference.facts import named, pattern, tried
from tests.compat.reference.modules import described, filled, outputs

BN = {"type": "BN"}
IN = [4, 6, 8]


def maps(*shapes: tuple[int, int, int]) -> list[Tensor]:
    """Two images each."""
    return [pattern(2, *shape, seed=number) for number, shape in enumerate(shapes)]


PYRAMID = ((4, 16, 16), (6, 8, 8), (8, 4, 4))
SAME = ((8, 6, 6), (8, 6, 6))
#: class -> arguments and shapes of the maps
CASES: dict[str, list[tuple[dict[str, Any], tuple[tuple[int, int, int], ...]]]] = {
    "FPN": [({"in_channels": IN, "out_channels": 4, "num_outs": 3}, PYRAMID), ({"in_channels": IN, "out_channels": 4,
            "num_outs": 5}, PYRAMID), ({"in_channels": IN, "out_channels": 4, "num_outs": 4, "start_level": 1,
            "add_extra_convs": True}, PYRAMID), *(({"in_channels": IN, "out_channels": 4, "num_outs": 5,
            "add_extra_convs": how, "norm_cfg": BN}, PYRAMID) for how in ("on_input", "on_lateral", "on_output")),
            ({"in_channels": IN, "out_channels": 4, "num_outs": 2, "end_level": 2, "no_norm_on_lateral": True,
              "norm_cfg": BN, "act_cfg": {"type": "ReLU"}}, PYRAMID), ({"in_channels": IN, "out_channels": 4,
            "num_outs": 5, "add_extra_convs": "on_output", "relu_before_extra_convs": True}, PYRAMID),
            ({"in_channels": IN, "out_channels": 4, "num_outs": 3, "upsample_cfg": {"mode": "bilinear"}}, PYRAMID),
            ({"in_channels": IN, "out_channels": 4, "num_outs": 4, "add_extra_convs": True, "extra_convs_on_inputs":
              True}, PYRAMID),
            ({"in_channels": IN, "out_channels": 4, "num_outs": 3, "upsample_cfg": {"scale_factor": 2, "mode":
              "nearest"}}, PYRAMID)],
    "MLANeck": [({"in_channels": [8, 8], "out_channels": 4}, SAME), ({"in_channels": [8, 8, 8, 8], "out_channels": 4,
                "norm_cfg": BN, "act_cfg": {"type": "ReLU"}, "norm_layer": {"type": "LN", "eps": 1e-6}}, SAME * 2)],
    "MultiLevelNeck": [({"in_channels": [8, 8, 8, 8], "out_channels": 4}, SAME * 2), ({"in_channels": [8, 8],
                       "out_channels": 4, "scales": [0.5, 2], "norm_cfg": BN, "act_cfg": {"type": "ReLU"}}, SAME),
                       ({"in_channels": [8], "out_channels": 4, "scales": [0.5, 1, 2]}, SAME[:1])],
    "ICNeck": [({"in_channels": (4, 6, 8), "out_channels": 4}, ((4, 16, 16), (6, 8, 8), (8, 4, 4))),
               ({"in_channels": (4, 6, 8), "out_channels": 4, "align_corners": True, "act_cfg": {"type": "PReLU"}},
                ((4, 16, 16), (6, 8, 8), (8, 4, 4)))],
    "JPU": [({"in_channels": (4, 6, 8), "mid_channels": 4}, PYRAMID), ({"in_channels": (4, 6, 8), "mid_channels": 4,
            "start_level": 1, "end_level": -1, "dilations": (1, 2)}, PYRAMID), ({"in_channels": (4, 6, 8),
            "mid_channels": 4, "end_level": 2}, PYRAMID)],
    "Feature2Pyramid": [({"embed_dim": 8, "rescales": [4, 2, 1, 0.5], "norm_cfg": BN}, SAME * 2),
                        ({"embed_dim": 8, "rescales": [2, 1, 0.5, 4], "norm_cfg": BN}, SAME * 2)],
}  # fmt: skip
BAD: dict[str, list[tuple[dict[str, Any], tuple[tuple[int, int, int], ...]]]] = {
    "FPN": [({"in_channels": IN, "out_channels": 4, "num_outs": 2}, ()), ({"in_channels": 4, "out_channels": 4,
            "num_outs": 2}, ()), ({"in_channels": IN, "out_channels": 4, "num_outs": 3, "add_extra_convs": "there"},
            ()), ({"in_channels": IN, "out_channels": 4, "num_outs": 3, "end_level": 1}, ()), ({"in_channels": IN,
            "out_channels": 4, "num_outs": 3}, PYRAMID[:2])],
    "MLANeck": [({"in_channels": 8, "out_channels": 4}, ()), ({"in_channels": [8, 8], "out_channels": 4}, SAME[:1])],
    "MultiLevelNeck": [({"in_channels": 8, "out_channels": 4}, ()), ({"in_channels": [8, 8], "out_channels": 4},
                       SAME[:1])],
    "ICNeck": [({"in_channels": (4, 6), "out_channels": 4}, PYRAMID), ({"in_channels": (4, 6, 8), "out_channels": 4},
               PYRAMID[:2]), ({"in_channels": 4, "out_channels": 4}, ())],
    "JPU": [({"in_channels": 4}, ()), ({"in_channels": (4, 6, 8), "mid_channels": 4}, PYRAMID[:2])],
    "Feature2Pyramid": [({"embed_dim": 8, "rescales": [3, 1], "norm_cfg": BN}, ())],
}  # fmt: skip
DESIGNED: dict[str, str] = {
    "Feature2Pyramid/1.maps*": "the maps are in the order of rescales, whatever it is",
}


def observe(name: str, module: str) -> dict[str, Any]:
    """What a neck shows by each of its cases."""
    made_by = named(module, name)
    found: dict[str, Any] = {}
    for begins, cases in (("", CASES[name]), ("bad ", BAD.get(name, []))):
        for number, case in enumerate(cases):
            found[f"{begins}{number}"] = tried(lambda: seen(made_by, *case))  # noqa: B023
    return found


def seen(made_by: Any, arguments: dict[str, Any], shapes: Any) -> dict[str, Any]:
    """Attributes, layers and maps."""
    neck = filled(made_by(**arguments))
    found = described(neck)
    if shapes:
        found["maps"] = outputs(neck, maps(*shapes))
    return found
