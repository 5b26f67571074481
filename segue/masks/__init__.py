"""Label maps that are no pictures: outlines, run lengths, folders of instances, colors. One file per format.

`formats` decides which format it is, `reader` says what every format offers, `draw` turns outlines into pixels.
"""
