"""Pictures and pages that show what a model does.

Images are (H, W, 3) uint8 and RGB, as `segue.inference.predictor.Prediction.image` is; those of data pipelines are BGR.
"""
