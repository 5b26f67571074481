"""Packs: decoded images and label maps in a few large files, read by window. ``segue pack`` makes them."""

from segue.packs.read import Pack, PackRoot

__all__ = ["Pack", "PackRoot"]
