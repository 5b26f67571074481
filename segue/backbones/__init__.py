"""Backbones: image (B, C, H, W) to a list of feature maps, finest first. One file per family."""
