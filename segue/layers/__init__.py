"""Blocks used by two or more components."""
