"""TensorBoard's event file: length-prefixed, checksummed records, written at once and by no thread.

torch's SummaryWriter hands events to a thread, which kills the process when the disk is full. TensorBoard's own one
costs 40 ms at start, for a stand-in of TensorFlow with file systems nobody asked for; the format is a dozen lines.
"""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path
from typing import Any


class EventFile:
    """One new event file in `directory`; its name sorts after those of earlier sessions. Raises OSError."""

    def __init__(self, directory: Path):
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}"
        self.file = open(directory / name, "xb")
        self.write(file_version="brain.Event:2")

    def write(self, **event: Any) -> None:
        """Append one event, given the fields of TensorBoard's `Event`, and hand it to the system."""
        from tensorboard.compat.proto.event_pb2 import Event

        data = Event(wall_time=time.time(), **event).SerializeToString()
        length = struct.pack("<Q", len(data))
        self.file.write(length + checksum(length) + data + checksum(data))
        self.file.flush()

    def close(self) -> None:
        self.file.close()


def checksum(data: bytes) -> bytes:
    """The masked CRC-32C (Castagnoli) of TensorFlow's records."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _crc_table() -> list[int]:
    table = list(range(256))
    for _ in range(8):
        table = [(entry >> 1) ^ (0x82F63B78 if entry & 1 else 0) for entry in table]
    return table


CRC_TABLE = _crc_table()
