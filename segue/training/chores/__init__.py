"""What a run does besides: caches, buffers, profiles, published copies, the validation loss, what is watched."""
