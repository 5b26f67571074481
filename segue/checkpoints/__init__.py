"""Weights in and out: a reader that runs nothing, loading with a report, safetensors writing, checked downloads."""

from segue.checkpoints.downloads.fetch import fetch
from segue.checkpoints.report import LoadReport, Mismatch
from segue.checkpoints.safe.checkpoint import Checkpoint
from segue.checkpoints.safe.inert import StandIn
from segue.checkpoints.safe.reader import read
from segue.checkpoints.weights import load_weights, save_weights

__all__ = ["Checkpoint", "LoadReport", "Mismatch", "StandIn", "fetch", "load_weights", "read", "save_weights"]
