"""mmcv's registries of the parts of transformers: what is in none of them is looked for in ``MODELS``."""

from __future__ import annotations

from segue.compat.mmengine.registry import MODELS, Registry

ATTENTION = Registry("attention", parent=MODELS, shared=False)
FEEDFORWARD_NETWORK = Registry("feed-forward network", parent=MODELS, shared=False)
POSITIONAL_ENCODING = Registry("position encoding", parent=MODELS, shared=False)
TRANSFORMER_LAYER = Registry("transformer layer", parent=MODELS, shared=False)
TRANSFORMER_LAYER_SEQUENCE = Registry("transformer layer sequence", parent=MODELS, shared=False)
