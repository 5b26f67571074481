"""Image files of every kind, written here from their standards, with the samples that each stores.

No file is made by the decoder that it tests: PNG, TIFF, BMP, GIF, JPEG and PNM are put together byte by byte, and the
few that are not (JPEG 2000, WebP, compressions that need a library) are lossless, so what was written is stored.
"""
