"""Prints the GPUs that torch finds and their free bytes, as JSON. Run as a child by `devices`."""

from __future__ import annotations

import json

import torch

if __name__ == "__main__":
    found = {f"cuda:{i}": torch.cuda.mem_get_info(i)[0] for i in range(torch.cuda.device_count())}
    if not found and torch.backends.mps.is_available():
        found["mps"] = torch.mps.recommended_max_memory()
    print(json.dumps(found))
