"""A child of a fork computes on one thread.

A fork copies the calling thread alone: the others, on which torch and our kernels share work (an
OpenMP pool), are gone in the child, which would wait for them for ever. torch's own data loaders
give their workers one thread for the same reason. Results do not depend on the number of threads.
"""

import os

import torch


def _on_one_thread() -> None:
    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows, which knows no fork
    os.register_at_fork(after_in_child=_on_one_thread)
