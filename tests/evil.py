"""Files that would run code where they are opened without care."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch


class Evil:
    """Unpickled, it makes a directory."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


def packed(content: object) -> bytes:
    """`content` in torch's file format."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()
