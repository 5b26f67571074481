"""mmseg's names, of 1.x and of 0.x."""
