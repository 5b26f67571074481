"""mmcv.cnn: operations and parameters of a model, under mmcv's name and arguments."""

from __future__ import annotations

from segue.compat.mmengine.analysis import old_complexity_info as get_model_complexity_info

__all__ = ["get_model_complexity_info"]
