"""The version, for files that state it without importing the package's face."""

__version__ = "0.1.0"
