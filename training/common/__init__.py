"""What every training task shares: specs, command lines, results folders, checkpoints."""
