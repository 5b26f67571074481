"""A test that also draws what it predicts, by the hook with which a config would ask for it."""

from __future__ import annotations

from pathlib import Path

from segue.config import Config


def with_pictures(cfg: Config, folder: str | Path | None, *, show: bool, wait_time: float) -> Config:
    """The config with a ``SegVisualizationHook`` that draws every image, as mmseg's ``tools/test.py`` sets it.

    Args:
        cfg: a config.
        folder: where pictures are written; None writes none.
        show, wait_time: whether each is shown in a window, and for how many seconds.
    """
    if folder is None and not show:
        return cfg
    cfg = cfg.copy()
    hook = {"type": "SegVisualizationHook", "draw": True, "interval": 1, "show": show, "wait_time": wait_time}
    cfg["default_hooks"] = {**(cfg.get("default_hooks") or {}), "visualization": hook}
    if folder is not None:
        cfg["visualizer"] = {**(cfg.get("visualizer") or {"type": "SegLocalVisualizer"}), "save_dir": str(folder)}
    return cfg
