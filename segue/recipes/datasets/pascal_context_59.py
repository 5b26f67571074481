"""PASCAL Context without its background, 59 classes. https://cs.stanford.edu/~roozbeh/pascal-context"""

from dataclasses import replace

from segue.recipes.datasets import pascal_context

DATA = replace(pascal_context.DATA, type="PascalContextDataset59", num_classes=59, reduce_zero_label=True, tta=True)
