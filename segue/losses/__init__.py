"""Losses and pixel samplers: (logits, labels) to a scalar. One file per loss."""
