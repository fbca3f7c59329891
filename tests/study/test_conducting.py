"""What a study's two sweeps must share."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainer.errors import ConfigError
from trainer.study.conducting import Sweeps
from trainer.sweep.cells import SweepSettings
from trainer.sweep.workers import WorkerPool


@pytest.mark.parametrize(("name", "digest", "shown"), [("mnist", "b", "mnist"), ("digits", "c", "another digits")])
def test_rates_chosen_on_one_data_set_are_never_judged_on_another(name, digest, shown):
    sweeps = Sweeps(WorkerPool(), SweepSettings())
    sweeps.check_data(Path("choose"), [{"dataset": "digits", "dataset_digest": "b"}] * 3)
    with pytest.raises(ConfigError, match=f"choose was trained on digits and judge on {shown}: "):
        sweeps.check_data(Path("judge"), [{"dataset": name, "dataset_digest": digest}])
