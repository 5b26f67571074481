"""Decode heads: feature maps to logits. One file per method."""
