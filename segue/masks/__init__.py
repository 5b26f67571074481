"""Label maps, whatever their format: pictures, outlines, run lengths, folders of instances, colors.

`decode` reads label files, `labels` checks and remaps their values, `window` reads a part of one, `stacks` holds
several classes per pixel. Of those that are no pictures there is one file per format: `formats` decides which
it is, `reader` says what every format offers, `draw` turns outlines into pixels.
"""
