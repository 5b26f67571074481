"""Optimizers that need more than their arguments, and the mean over an accumulated step."""
