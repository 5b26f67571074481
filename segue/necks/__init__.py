"""Necks: feature maps to feature maps. One file per method."""
