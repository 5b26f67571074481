"""From a model and images to label maps: whole or in windows, one image or a folder."""

from segue.inference.segment import label_maps, slide, whole_or_slide

__all__ = ["label_maps", "slide", "whole_or_slide"]
