"""JAX: an epoch is one compiled scan over its batches, parameters donated; `runs` of them by vmap."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.work import Clock, Work

Layers = list[tuple[jax.Array, jax.Array]]


def epochs(work: Work, n: int, clock: Clock, runs: int = 1) -> None:
    images, labels = jnp.asarray(work.floats), jnp.asarray(work.labels, jnp.int32)
    one = make_epoch(work, images, labels)
    compiled = jax.jit(one if runs == 1 else jax.vmap(one), donate_argnums=(0, 1))
    stack = [initial(work, run) for run in range(runs)]
    theta = stack[0] if runs == 1 else jax.tree.map(lambda *leaves: jnp.stack(leaves), *stack)
    velocity = jax.tree.map(jnp.zeros_like, theta)
    for epoch in range(n):
        keys = jnp.stack([jax.random.key(1000 * epoch + run) for run in range(runs)])
        clock.start()
        theta, velocity = jax.block_until_ready(compiled(theta, velocity, keys[0] if runs == 1 else keys))
        clock.stop(weights(theta, runs))


def make_epoch(work: Work, images: jax.Array, labels: jax.Array):
    """One epoch of one run: (θ, v, key) → (θ, v)."""
    batch, samples = int(work.batch), len(work.labels)
    whole = samples // batch * batch

    def update(carry: tuple[Layers, Layers], index: jax.Array):
        theta, velocity = carry
        g = jax.grad(loss)(theta, images[index], labels[index])
        velocity = jax.tree.map(lambda v, d: work.beta * v + d, velocity, g)
        return (jax.tree.map(lambda w, v: w - work.lr * v, theta, velocity), velocity), None

    def epoch(theta: Layers, velocity: Layers, key: jax.Array):
        order = jax.random.permutation(key, samples)
        carry, _ = jax.lax.scan(update, (theta, velocity), order[:whole].reshape(-1, batch))
        return update(carry, order[whole:])[0] if whole < samples else carry

    return epoch


def loss(theta: Layers, x: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross-entropy."""
    for weight, bias in theta[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    log_p = jax.nn.log_softmax(x @ theta[-1][0] + theta[-1][1])
    return -jnp.take_along_axis(log_p, labels[:, None], 1).mean()


def initial(work: Work, seed: int) -> Layers:
    """Uniform in ±1/√fan_in, as torch.nn.Linear."""
    random = np.random.default_rng(seed)
    pairs = zip(work.widths, work.widths[1:], strict=False)
    draw = lambda fan, *shape: jnp.asarray(random.uniform(-(fan**-0.5), fan**-0.5, shape), jnp.float32)  # noqa: E731
    return [(draw(fan, fan, out), draw(fan, out)) for fan, out in pairs]


def weights(theta: Layers, runs: int) -> list[np.ndarray]:
    """W [K, in, out], b [K, 1, out], …"""
    arrays = [np.asarray(leaf) for layer in theta for leaf in layer]
    arrays = [a[None] for a in arrays] if runs == 1 else arrays
    return [a if a.ndim == 3 else a[:, None] for a in arrays]
