"""From names and dicts to objects: finds what a ``type`` names, reads its signature, converts leaves, builds."""
