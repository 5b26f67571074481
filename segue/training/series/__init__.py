"""Several trainings of one config: the folds of its images, or seeds, one after the other, and their mean."""
