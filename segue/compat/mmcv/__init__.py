"""mmcv's names: blocks, transforms, images."""
