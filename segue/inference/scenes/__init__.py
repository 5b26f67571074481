"""Scenes larger than memory, and the plan by which many processes share them.

A scene is cut into blocks. A block is computed from all tiles that reach into it, by itself, and written under a name
of its own; so it may be repeated, in any order, by anybody. `plan` says what there is to do, `read` gives pixels,
`block` computes, `write` keeps, `worker` does all three, `run` goes through the plan, `on_ray` hands it to Ray,
`vectors` draws outlines.
"""
