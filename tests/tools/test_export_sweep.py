"""The sweep over the zoo: which methods are asked for, and the table that is written of them. No export is run."""

from __future__ import annotations

import pytest

from tools import export_sweep

KNOWN = {"isanet": "isanet_r50", "psanet": "psanet_r50", "san": "san-vit", "ocrnet": "ocrnet_hr18", "ocrnet_gt": "ocr"}


@pytest.mark.parametrize(
    ("only", "methods"),
    [
        ("san", ["san"]),
        ("san, psanet", ["psanet", "san"]),
        ("*san", ["san"]),
        ("ocrnet*", ["ocrnet", "ocrnet_gt"]),
        ("*", list(KNOWN)),
    ],
)
def test_methods_by_name(only: str, methods: list[str]) -> None:
    assert list(export_sweep.asked(KNOWN, only)) == methods


@pytest.mark.parametrize("only", ["sa", "san,", ""])
def test_a_name_that_no_method_has(only: str) -> None:
    with pytest.raises(SystemExit, match=r"no method is called so; there are isanet, ocrnet, ocrnet_gt, psanet, san"):
        export_sweep.asked(KNOWN, only)


def test_the_page_says_which_were_seen_whole() -> None:
    ran = {"cases": 4, "largest": 1e-5, "agreement": 1.0, "near_ties": 0.0, "wrong": ""}
    sure = {"verdict": "certified", "why": "", "free": ["batch"], "onnxruntime": ran, "openvino": ran}
    found = {
        "a": {"recipe": "a_r18", "cut": False, **sure},
        "b": {"recipe": "b_r50", "cut": True, "whole": "took more than 9 s of the processor", **sure},
        "c": {"recipe": "c_r50", "cut": False, "verdict": "impossible", "why": "TypeError: x | y"},
    }
    text = export_sweep.page(found)
    assert "3 methods: 2 certified, 0 refused, 1 impossible, 0 not tried; 2 files give" in text
    assert "1 of the certified ones were seen with all their blocks" in text
    assert (
        "| `b_r50`, few blocks | certified | batch | 1.0e-05 | 100.00% | 1.0e-05 | with all blocks: took more" in text
    )
    assert "| c | `c_r50` | impossible |" in text and "x / y |" in text
