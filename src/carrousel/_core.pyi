# The compiled kernels (csrc/module.cpp). Their callers in ops/ check what they are given.
from typing import Any

def __getattr__(name: str) -> Any: ...
