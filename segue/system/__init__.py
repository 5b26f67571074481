"""What the machine offers: files replaced as a whole, cores, progress bars, locks. Nothing here knows of images."""
