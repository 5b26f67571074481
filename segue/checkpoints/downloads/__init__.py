"""Weights by address or name: fetched, checked by hash, kept in a cache, pinned by a lock file."""
