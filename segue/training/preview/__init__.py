"""What a run is going to do, shown before its first step: data, weights, batch, memory, time, the first batches."""
