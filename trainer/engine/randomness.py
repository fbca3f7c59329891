"""Random streams without state: every draw is a pure function of (seed, purpose, position).

Nothing to save, nothing to inherit from what ran before in the process. Rare draws (initial values, the order of an epoch) come
from a torch generator keyed by a hash; dropout masks, drawn in every step and on every device, from integer arithmetic.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

_WORD = 1 << 32


def key(seed: int, purpose: str, *position: int) -> int:
    """A 63-bit key, well mixed: neighbouring seeds and positions share nothing."""
    digest = hashlib.blake2b(repr((seed, purpose, *position)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(seed: int, purpose: str, *position: int) -> torch.Generator:
    """A CPU generator of its own for (seed, purpose, position); its draws are moved to the device, so all devices agree."""
    return torch.Generator().manual_seed(key(seed, purpose, *position))


def order(seed: int, epoch: int, samples: int) -> Tensor:
    """The order in which epoch `epoch` visits the training set: a permutation of 0 … samples−1, int64."""
    return torch.randperm(samples, generator=generator(seed, "order", epoch))


def draws(seed: int, purpose: str, count: int) -> Tensor:
    """Draws 0 … count−1 of a stream, [count] float64, each in [0, 1) and the same however many there are."""
    counter = hashed(torch.arange(count, dtype=torch.int32))
    return hashed(counter.bitwise_xor_(word(seed, purpose))).double().add_(_WORD // 2).div_(_WORD)


def word(seed: int, purpose: str, *position: int) -> int:
    """A key as a signed 32-bit integer, the start of `hashed`."""
    return signed(key(seed, purpose, *position) % _WORD)


def hashed(counter: Tensor) -> Tensor:
    """32 well-mixed bits for each int32 of `counter`, in place: the finalizer of MurmurHash3 (Appleby 2011).

    Integer arithmetic wraps in the same way on every device, so a mask has the same bits everywhere.
    """
    counter.bitwise_xor_((counter >> 16).bitwise_and_(0xFFFF)).mul_(signed(0x85EBCA6B))
    counter.bitwise_xor_((counter >> 13).bitwise_and_(0x7FFFF)).mul_(signed(0xC2B2AE35))
    return counter.bitwise_xor_((counter >> 16).bitwise_and_(0xFFFF))


def signed(bits: int) -> int:
    """An unsigned 32-bit pattern as the signed integer of the same bits."""
    return bits - _WORD if bits >= _WORD // 2 else bits
