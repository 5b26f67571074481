"""What tutorials on mmseg tell their readers to type, run on Segue with generated data.

``python -m tests.tutorials [--tools MMSEG/tools] [WORDS ...]`` runs every row (or those whose text has the words) and
prints AS WRITTEN, EQUIVALENT (another command does it) or why not.
"""
