"""Pictures and pages that show what a model does. Images are (H, W, 3) uint8, RGB, here and nowhere else in Segue."""
