"""Streams: pure functions of seed, purpose and position; the hash against MurmurHash3 in plain Python; golden values."""

from __future__ import annotations

import hashlib

import pytest
import torch
from commands import CONTEXT
from hypothesis import given
from hypothesis import strategies as st
from subjects import experiment, narrow, words

from trainer.engine.network import initial_parameters, layout_of
from trainer.engine.randomness import draws, generator, hashed, key, order, signed, word

int32 = st.integers(-(2**31), 2**31 - 1)


def fmix32(h: int) -> int:
    """The finalizer of MurmurHash3 as Appleby wrote it, on unsigned 32-bit numbers."""
    h ^= h >> 16
    h = h * 0x85EBCA6B % 2**32
    h ^= h >> 13
    h = h * 0xC2B2AE35 % 2**32
    return h ^ h >> 16


@given(st.lists(int32, min_size=1, max_size=50))
def test_hashed_is_the_finalizer_of_murmur_hash_3(numbers):
    found = hashed(torch.tensor(numbers, dtype=torch.int32))
    assert found.dtype == torch.int32
    assert [n % 2**32 for n in found.tolist()] == [fmix32(n % 2**32) for n in numbers]


def test_hashed_at_the_ends_and_in_place():
    counter = torch.tensor([0, 1, -1, 2**31 - 1, -(2**31)], dtype=torch.int32)
    assert hashed(counter) is counter
    assert [n % 2**32 for n in counter.tolist()] == [0, 0x514E28B7, 0x81F16F39, 0xF9CC0EA8, 0x6D3C65A0]


@given(int32)
def test_signed_undoes_the_unsigned_reading(number):
    assert signed(number % 2**32) == number


@given(st.integers(0, 2**63 - 1), st.text(max_size=5), st.lists(st.integers(0, 10**6), max_size=3))
def test_a_key_is_a_function_of_its_arguments(seed, purpose, position):
    assert key(seed, purpose, *position) == key(seed, purpose, *position)
    assert 0 <= key(seed, purpose, *position) < 2**63
    assert -(2**31) <= word(seed, purpose, *position) < 2**31


def test_keys_of_neighbours_share_nothing():
    """Seeds, purposes, positions, and (1, 12) against (11, 2): no key twice, every bit set in about half of them."""
    keys = [
        key(s, p, *at) for s in range(40) for p in ("init", "order") for at in ((), *((i,) for i in range(20)), (1, 2))
    ]
    assert len(set(keys)) == len(keys)
    for bit in range(63):
        assert 0.4 < sum(k >> bit & 1 for k in keys) / len(keys) < 0.6


@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(1, 300))
def test_an_order_is_a_permutation_and_the_same_each_time(seed, epoch, samples):
    found = order(seed, epoch, samples)
    assert found.dtype == torch.int64 and found.sort().values.tolist() == list(range(samples))
    torch.rand(3)  # what else draws in the process does not matter
    assert torch.equal(found, order(seed, epoch, samples))


def test_orders_of_other_seeds_and_epochs_differ():
    orders = [order(seed, epoch, 1000) for seed in range(5) for epoch in range(5)]
    places = torch.stack(orders).double()
    assert (torch.corrcoef(places) - torch.eye(25)).abs().max() < 5 / 1000**0.5


def test_streams_leave_the_global_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    generator(1, "init", 2), order(0, 0, 10)
    assert torch.equal(torch.rand(3), expected)


def test_golden_values():
    """Results of today must be reproduced tomorrow: these numbers may not change."""
    assert key(0, "init", 1) == 9185457801999932100
    assert word(3, "dropout", 2) == -1338499393
    assert draws(3, "staleness", 3).tolist() == [0.459315124200657, 0.6861781589686871, 0.39683715626597404]
    assert order(0, 0, 10).tolist() == [3, 2, 6, 8, 0, 1, 9, 4, 5, 7]
    assert order(1, 2, 10).tolist() == [6, 8, 9, 4, 3, 2, 1, 0, 7, 5]
    assert torch.rand(2, generator=generator(5, "init", 1)).tolist() == [0.6154868006706238, 0.9216955304145813]


INITIAL = {
    "default": ([-0.04510638, 0.09989544, -0.12108822], "461f256e"),
    "he": ([0.18003385, -0.10389221, 0.07079964], "9bfb9c27"),
    "xavier": ([-0.08376046, 0.18550117, -0.22485518], "029b2bda"),
    "normal": ([0.90016919, -0.51946104, 0.35399821], "103c2628"),
}
"""The first weights, and a digest of all of them on x86 with AVX2, where torch rounds a product and a sum only once."""


@pytest.mark.parametrize("init", words("init"))
def test_golden_initial_weights(init):
    """Of every version of torch, and up to their last bits of every processor."""
    e = experiment(model=narrow(init=init), normalization="batch")
    found = initial_parameters(layout_of(e, 50, 10), e.model, seed=4)
    assert found[:3].tolist() == pytest.approx(INITIAL[init][0], rel=1e-6)
    if torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512"):
        assert hashlib.sha256(found.numpy().tobytes()).hexdigest()[:8] == INITIAL[init][1]


def drawn() -> tuple[int, int, list[int]]:
    return hash("x"), key(9, "x", 1), order(9, 1, 8).tolist()


def test_another_process_draws_the_same():
    """No hash of Python's, which is salted a process."""
    with CONTEXT.Pool(1) as pool:
        salted, *others = pool.apply(drawn)
    assert salted != hash("x") and others == [key(9, "x", 1), order(9, 1, 8).tolist()]
