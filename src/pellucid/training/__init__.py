"""Training: optimisers, schedules, the loop over epochs, checkpoints."""
