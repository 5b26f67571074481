"""What tests of files for other runtimes need beside Segue."""

from __future__ import annotations

import os

import pytest


def need(*packages: str) -> None:
    """Skip the test where one of the ``packages`` is missing, or cannot run here."""
    for package in packages:
        pytest.importorskip(package, reason=f"not installed: {package}")
    held = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")
    if "openvino" in packages and held == "SSE41":
        pytest.skip("OpenVINO heeds DNNL_MAX_CPU_ISA=SSE41 as well, and then lacks the resizing of maps")
