"""Blocks on a Ray cluster of this machine, one of whose workers is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from segue.errors import InputError, MissingExtraError
from segue.inference.scenes import on_ray
from segue.inference.scenes.run import predict_scenes
from segue.inference.scenes.settings import Settings
from tests.inference.scenes.small import Small, noise, predictor, write_scene

pytest.importorskip("rasterio", reason="an optional extra: geo")
TILES = {"tile": 96, "overlap": 32, "block": 2}


class Deadly(Small):
    """Kills the process that runs it, once: when ``flag`` is not there. The first image only warms it up."""

    def __init__(self, flag: Path) -> None:
        super().__init__()
        self.flag, self.owner = str(flag), os.getpid()

    def encode_decode(self, inputs: Any) -> Any:
        found = super().encode_decode(inputs)
        if os.getpid() != self.owner and self.calls > 8 and not os.path.exists(self.flag):
            Path(self.flag).write_text("killed")
            os.kill(os.getpid(), signal.SIGKILL)
        return found


@pytest.mark.filterwarnings("default")
def test_a_worker_is_killed(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="an optional extra: ray")
    scene = write_scene(tmp_path / "scene.tif", noise(300, 420))
    settings = Settings(**TILES)
    predict_scenes(predictor(), [scene], tmp_path / "whole.tif", settings, keep=True)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        model = predictor(Deadly(tmp_path / "flag"))
        result = predict_scenes(model, [scene], tmp_path / "seen.tif", settings, ray="auto", keep=True)
    finally:
        ray.shutdown()
    assert (tmp_path / "flag").exists() and result.computed == 12
    assert (tmp_path / "seen.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()
    for path in (tmp_path / "whole.tif.blocks").rglob("*.tif"):
        other = tmp_path / "seen.tif.blocks" / path.relative_to(tmp_path / "whole.tif.blocks")
        assert other.read_bytes() == path.read_bytes()


def test_ray_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    scene = write_scene(tmp_path / "scene.tif", noise(100, 120))
    with pytest.raises(MissingExtraError, match=r"needs the package 'ray': pip install 'segue\[ray\]'"):
        predict_scenes(predictor(), [scene], tmp_path / "seen.tif", Settings(**TILES), ray="auto")


def test_no_such_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: what Ray raises; a stand-in, since its own search takes long."""
    import sys
    from types import SimpleNamespace

    def init(**_: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance.\nmore")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False, init=init))
    with pytest.raises(InputError, match=r"ray='auto': no such cluster: Could not find any running Ray instance\.$"):
        list(on_ray.compute(None, None, tmp_path, [], "auto"))  # type: ignore[arg-type]
