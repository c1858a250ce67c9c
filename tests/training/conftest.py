import torch

# Tests run side by side; threads of theirs would only wait for each other.
torch.set_num_threads(1)
