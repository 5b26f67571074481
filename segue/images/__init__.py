"""From a file to an array: decoders, headers, windows. Knows nothing of labels."""
