"""Scikit-learn's MLPClassifier: sgd with plain momentum, no regularisation, no early stop, float32."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.work import Clock, Work


def epochs(work: Work, n: int, clock: Clock) -> None:
    class Timed(MLPClassifier):
        """One `fit` of n epochs, timed at the only method that is called once an epoch; it starts from what the others do."""

        def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
            draw = np.random.default_rng(0).uniform
            bound = fan_in**-0.5
            return draw(-bound, bound, (fan_in, fan_out)).astype(dtype), draw(-bound, bound, fan_out).astype(dtype)

        def _update_no_improvement_count(self, *args: Any) -> None:
            super()._update_no_improvement_count(*args)
            layers = zip(self.coefs_, self.intercepts_, strict=True)
            clock.stop([array[None] for w, b in layers for array in (w, b[None])])
            clock.start()

    warnings.simplefilter("ignore")  # "maximum iterations reached": that is what we asked for
    rule = {"solver": "sgd", "learning_rate_init": work.lr, "momentum": work.beta, "nesterovs_momentum": False}
    stay = {"alpha": 0.0, "max_iter": n, "n_iter_no_change": n + 1}
    model = Timed(work.hidden, batch_size=work.batch, random_state=0, **rule, **stay)
    images = work.floats
    clock.start()
    model.fit(images, work.labels)
