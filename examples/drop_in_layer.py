"""Use carrousel.LSTM where torch.nn.LSTM stood: same arguments, results and state_dict."""

import torch

import carrousel

torch.manual_seed(0)
theirs = torch.nn.LSTM(input_size=3, hidden_size=16, num_layers=2, batch_first=True)
ours = carrousel.LSTM(input_size=3, hidden_size=16, num_layers=2, batch_first=True)
ours.load_state_dict(theirs.state_dict())

x = torch.randn(8, 50, 3)  # 8 sequences of 50 steps of 3 numbers
difference = (theirs(x)[0] - ours(x)[0]).abs().max().item()
print(f"Largest difference between the outputs: {difference:.1e}")
assert difference < 1e-5
