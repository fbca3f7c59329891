"""The loss of a stack against torch's, and what an update is batch against its definition."""

from __future__ import annotations

import pytest
import torch
from subjects import experiment, tiny, update_of
from torch import Tensor, nn

from trainer.engine.batches import Batches
from trainer.engine.loop import Training
from trainer.engine.loss import CrossEntropy, hits, losses, row_sum
from trainer.engine.randomness import order
from trainer.engine.workspace import Workspace

RUNS = 3


def draw(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits and labels."""
    stream = torch.Generator().manual_seed(seed)
    logits = torch.randn(*shape, generator=stream, dtype=torch.float64) * 20
    return logits, torch.randint(shape[-1], shape[:-1], generator=stream)


def counted(runs: int = RUNS) -> CrossEntropy:
    return CrossEntropy(torch.zeros(runs, 1), torch.zeros(runs, 1), Workspace(torch.device("cpu")))


def gradient(loss: CrossEntropy, logits: Tensor, labels: Tensor) -> Tensor:
    batch = update_of(labels, logits.shape[2])
    return loss.gradient(logits, batch.dlog_p, loss.buffer(batch))


@pytest.mark.parametrize("batch", [1, 29, 5000])  # sums of more than 4096 go another way
def test_the_gradient_and_the_tallies_are_torchs(float64, batch):
    """Over so many updates that those that wait are counted in between; a smaller batch comes last, as in an epoch."""
    loss, sums, hits = counted(), torch.zeros(RUNS, 1), torch.zeros(RUNS, 1)
    for seed, size in enumerate([*[batch] * 50, (batch + 1) // 2]):
        logits, labels = draw(RUNS, size, 10, seed=seed)
        plain = logits.clone().requires_grad_()
        losses = nn.functional.cross_entropy(plain.mT, labels, reduction="none")
        losses.mean(1).sum().backward()
        torch.testing.assert_close(gradient(loss, logits, labels), plain.grad, rtol=1e-9, atol=1e-15)
        sums += losses.detach().sum(1, keepdim=True)
        hits += (logits.argmax(2) == labels).sum(1, keepdim=True)
    loss.flush()
    torch.testing.assert_close(loss.loss, sums)
    assert torch.equal(loss.correct, hits)


def test_when_the_losses_are_counted_changes_no_bit():
    often, seldom = counted(), counted()
    for seed in range(100):
        logits, labels = draw(RUNS, 29, 10, seed=seed)
        for loss in (often, seldom):
            gradient(loss, logits.float(), labels)
        if seed % 7 == 0:
            often.flush()
    often.flush()
    seldom.flush()
    assert torch.equal(often.loss, seldom.loss) and torch.equal(often.correct, seldom.correct)
    assert (often.loss > 0).all() and (often.correct > 0).all()


def test_certain_logits_neither_overflow_nor_lose_their_gradient():
    logits, labels = torch.tensor([[[1e4, 0.0], [1e4, 0.0]]]), torch.tensor([[0, 1]])
    z, target = logits.mT, labels.unsqueeze(1)
    loss, correct = losses(z, target), hits(z, target).sum(-1, keepdim=True)
    assert loss.item() == 1e4 and correct.item() == 1
    dlogits = gradient(counted(1), logits, labels)
    assert torch.equal(dlogits, torch.tensor([[[0.0, 0.0], [0.5, -0.5]]]))


def test_of_equal_logits_the_first_counts_as_the_guess():
    """As argmax has it: a network of zeros shall not look as if it knew everything."""
    correct = hits(torch.zeros(1, 10, 4), torch.tensor([[[0, 1, 9, 0]]])).sum()
    assert correct.item() == 2


@pytest.mark.parametrize("n", [1, 255, 4096, 4097, 10_000])
def test_row_sum(n):
    rows = torch.randn(4, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(row_sum(rows), rows.sum(1, keepdim=True))


@pytest.mark.parametrize("runs", [1, 2])
def test_the_sum_of_a_long_row_has_the_same_bits_with_any_number_of_threads(runs):
    """And beside other rows: torch would split a single row of this length among its threads."""
    rows = torch.randn(runs, 300_001, generator=torch.Generator().manual_seed(3))
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(row_sum(rows))
    torch.set_num_threads(1)
    assert all(torch.equal(sums, found[0]) for sums in found)
    assert torch.equal(row_sum(rows[:1]), found[0][:1])


@pytest.mark.parametrize("batch", [1, 7, 29, 94, None])
@pytest.mark.parametrize("start", [0, 3, 5])
def test_an_update_is_given_what_the_definition_says(batch, start):
    """From any update on, over three epochs, the small last batch of each included."""
    labels, seeds = tiny(samples=94).train.labels, [4, 0, 9]
    size, per_epoch = batch or 94, -(-94 // (batch or 94))
    rates = torch.rand(RUNS, 3 * per_epoch, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    batches = Batches(seeds, labels, 10, batch, rates)
    for step in range(min(start, 3 * per_epoch - 1), 3 * per_epoch):
        given = batches(step)
        epoch, position = divmod(step, per_epoch)
        indices = torch.stack([order(seed, epoch, 94) for seed in seeds])[:, position * size : (position + 1) * size]
        expected = labels.expand(RUNS, -1) if batch is None else labels[indices]
        plain = update_of(expected)
        assert given.indices is None if batch is None else torch.equal(given.indices, indices.flatten())
        assert torch.equal(given.target, plain.target) and torch.equal(given.dlog_p, plain.dlog_p)
        assert torch.equal(given.lr, rates[:, step : step + 1].float()) and given.t.tolist() == [step]


def test_the_state_is_whole_between_any_two_updates():
    """Its tallies hold every sample, though some are counted late; looking at them changes no record."""
    looked, not_looked = (Training([experiment(seed=seed) for seed in range(RUNS)], tiny()) for _ in range(2))
    records: list[list] = [[], []]
    for step, (first, second) in enumerate(zip(looked, not_looked, strict=True), start=1):
        state = looked.state
        assert state.step == step and (state.samples == 0) == (not state.loss.any())
        records[0] += first
        records[1] += second
    assert [r.metrics for r in records[0]] == [r.metrics for r in records[1]] != []
