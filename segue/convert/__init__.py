"""Dataset converters: other people's annotations to images and masks in folders."""
