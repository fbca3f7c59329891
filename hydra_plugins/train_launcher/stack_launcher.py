"""The launcher that trains a sweep's runs together. Hydra imports this at every start, so it is light: no torch."""

# Annotations stay unquoted: dataclasses look up quoted ones in a module that Hydra registers only after its execution.

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

if TYPE_CHECKING:
    from trainer.sweep.cells import Cell


@dataclass
class StackLauncherConf:
    """`workers`: processes, null = one a core, or one a GPU; `prune`: a word of trainer.sweep.prune; `fail_fast`: stop at the
    first crash."""

    _target_: str = "hydra_plugins.train_launcher.stack_launcher.StackLauncher"
    workers: int | None = None
    prune: str | None = None
    fail_fast: bool = False


ConfigStore.instance().store(group="hydra/launcher", name="stack", node=StackLauncherConf, provider="train")


class StackLauncher(Launcher):
    """Hands all cells of a sweep to trainer.sweep at once, and answers Hydra's sweeper with their last valid/accuracy."""

    def __init__(self, workers: int | None = None, prune: str | None = None, fail_fast: bool = False) -> None:
        self.settings = workers, prune, fail_fast

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        from trainer.run.directories import unwritable
        from trainer.sweep.cells import SweepSettings
        from trainer.sweep.sweep import run_sweep

        directory = Path(self.config.hydra.sweep.dir)
        configs = [self.context.config_loader.load_sweep_config(self.config, list(words)) for words in job_overrides]
        cells = self._cells(configs, job_overrides)
        for number, (cell, config) in enumerate(zip(cells, configs, strict=True), initial_job_idx):
            try:
                _write_hydra(directory / cell.name, config, number)
            except OSError as error:
                raise unwritable(directory / cell.name, error) from error
        summaries = run_sweep(cells, directory, SweepSettings(*self.settings))
        return [self._answer(*each, directory) for each in zip(cells, configs, summaries, strict=True)]

    def _cells(self, configs: Sequence[DictConfig], job_overrides: Sequence[Sequence[str]]) -> "list[Cell]":
        """The cells as experiments, each checked, with their names."""
        from trainer.run.directories import cell_names
        from trainer.shell.cells import checked
        from trainer.sweep.cells import Cell

        words = [tuple(filter_overrides(overrides)) for overrides in job_overrides]
        experiments = [checked(config, own) for config, own in zip(configs, words, strict=True)]
        names = cell_names(words, tuple(self.config.hydra.overrides.task))
        return [Cell(*each) for each in zip(experiments, names, words, strict=True)]

    def _answer(self, cell: "Cell", config: DictConfig, summary: dict[str, Any], directory: Path) -> JobReturn:
        from trainer.shell.cells import CellFailed, objective

        answer = JobReturn(
            overrides=list(cell.overrides), cfg=config, hydra_cfg=config, task_name=config.hydra.job.name
        )
        answer.working_dir = str(directory / cell.name)
        failed = summary["status"] == "failed"
        answer.status = JobStatus.FAILED if failed else JobStatus.COMPLETED
        error = CellFailed(f"{directory / cell.name}: {summary.get('error')}")
        answer.return_value = error if failed else objective(directory / cell.name)
        return answer


def _write_hydra(directory: Path, config: DictConfig, number: int) -> None:
    """Write what Hydra writes for each job: `.hydra/config.yaml`, `hydra.yaml` and `overrides.yaml`."""
    if config.hydra.output_subdir is None:
        return
    with open_dict(config.hydra):
        config.hydra.job.id, config.hydra.job.num = str(number), number
        config.hydra.runtime.output_dir = str(directory.absolute())
    folder = directory / config.hydra.output_subdir
    folder.mkdir(parents=True, exist_ok=True)
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    parts = {"config": own, "hydra": OmegaConf.masked_copy(config, "hydra"), "overrides": config.hydra.overrides.task}
    for name, part in parts.items():
        (folder / f"{name}.yaml").write_text(OmegaConf.to_yaml(part), encoding="utf-8")
