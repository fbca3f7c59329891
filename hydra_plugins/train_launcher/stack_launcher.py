"""The launcher that trains a sweep's runs together, on this machine or a cluster. Hydra imports this at every start, so it is
light: no torch."""

# Annotations stay unquoted: dataclasses look up quoted ones in a module that Hydra registers only after its execution.

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from trainer.experiment import Experiment
    from trainer.sweep.cells import Cell


@dataclass
class StackLauncherConf:
    """`workers`: processes, null = one a core, or one a GPU; `prune`: a word of trainer.sweep.prune; `fail_fast`: stop at the
    first crash; `retries`: how often a run goes on whose process was killed, the default that of trainer.sweep.cells."""

    _target_: str = "hydra_plugins.train_launcher.stack_launcher.StackLauncher"
    _convert_: str = "all"
    engine: str = "local"
    workers: int | None = None
    prune: str | None = None
    fail_fast: bool = False
    retries: int = 3


@dataclass
class StackSlurmLauncherConf(StackLauncherConf):
    """`workers`: jobs at once, null = as many as SLURM likes. What has the name of an option of sbatch is passed on to it, in
    its own form; `sbatch`: further options as they are typed there."""

    engine: str = "slurm"
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    time: Any = None
    mem: Any = None
    gpus: Any = None
    cpus_per_task: int | None = None
    sbatch: list[str] = field(default_factory=list)


@dataclass
class StackRayLauncherConf(StackLauncherConf):
    """`workers`: tasks at once, null = as many as Ray has room for. `address`: of the cluster, auto = that of this machine;
    `cpus`, `gpus`: of a task; `resources`: others that a node must have, by name."""

    engine: str = "ray"
    address: str | None = "auto"
    cpus: int = 1
    gpus: float = 0
    resources: dict[str, float] = field(default_factory=dict)


LAUNCHERS = {"stack": StackLauncherConf, "stack_slurm": StackSlurmLauncherConf, "stack_ray": StackRayLauncherConf}
for name, node in LAUNCHERS.items():
    ConfigStore.instance().store(group="hydra/launcher", name=name, node=node, provider="train")


class StackLauncher(Launcher):
    """Hands all cells of a sweep to trainer.sweep at once, and answers Hydra's sweeper with their last valid/accuracy."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        from trainer.sweep.cells import SweepSettings
        from trainer.sweep.sweep import run_sweep

        directory = Path(self.config.hydra.sweep.dir)
        cells = self._cells(job_overrides)
        summaries = run_sweep(cells, directory, SweepSettings.of(self.settings))
        return [self._answer(*each, directory) for each in zip(cells, summaries, strict=True)]

    def _cells(self, job_overrides: Sequence[Sequence[str]]) -> "list[Cell]":
        """The cells as experiments, each checked, with their names."""
        from trainer.run.directories import cell_names
        from trainer.sweep.cells import Cell

        experiments = [self._experiment(words) for words in job_overrides]
        words = [tuple(filter_overrides(overrides)) for overrides in job_overrides]
        names = cell_names(words, tuple(self.config.hydra.overrides.task))
        return [Cell(*each) for each in zip(experiments, names, words, strict=True)]

    def _experiment(self, words: Sequence[str]) -> "Experiment":
        """What was checked before the sweep began; a sweeper that searches chooses cells while it runs."""
        from trainer.shell.cells import checked
        from trainer.shell.composing import composer_of

        loader = composer_of(self.context.config_loader)
        if (known := loader.checked.get(tuple(words))) is not None:
            return known
        return checked(loader.cell(self.config, words)[0], words, here=self.settings["engine"] == "local")

    def _answer(self, cell: "Cell", summary: dict[str, Any], directory: Path) -> JobReturn:
        from trainer.shell.cells import CellFailed, objective

        answer = JobReturn(overrides=list(cell.overrides), task_name=self.config.hydra.job.name)
        answer.working_dir = str(directory / cell.name)
        failed = summary["status"] == "failed"
        answer.status = JobStatus.FAILED if failed else JobStatus.COMPLETED
        error = CellFailed(f"{directory / cell.name}: {summary.get('error')}")
        answer.return_value = error if failed else objective(directory / cell.name)
        return answer
