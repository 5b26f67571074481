"""What to say when a run cannot go on: a loss that is no number, memory that ran out, a process that is gone."""
