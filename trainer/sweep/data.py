"""Which data a sweep is trained on: found once, before anything begins, and the same as that of its earlier runs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from trainer.data.datasets import Dataset
from trainer.data.loading import find
from trainer.errors import ConfigError, DataError
from trainer.report.files import SUMMARY
from trainer.report.reading import read_summary
from trainer.sweep.cells import Cell


class Used(NamedTuple):
    """The data that a run was trained on; no digest where it was not kept yet."""

    directory: Path
    name: str
    digest: str


class SweepData(NamedTuple):
    """The data sets that go on as their fallbacks, and the notices for the user."""

    fallen_back: frozenset[Dataset]
    notices: tuple[str, ...]

    @property
    def title(self) -> str:
        """Of the notices."""
        return "WARNING: another data set" if self.fallen_back else "About the data"


def find_data(todo: Iterable[Cell], every: Sequence[Cell], directory: Path) -> SweepData:
    """Find what the cells of `todo` are trained on, so that no two of them can find different data.

    Of `every` cell in the sweep's directory, those that were trained already decide: a substitute never completes what was
    begun on another set, nor the other way round. Only sets that may be missing are looked for. Raises ConfigError.
    """
    before = _used(every, directory)
    fallen_back: set[Dataset] = set()
    notices: dict[str, None] = {}
    for dataset in dict.fromkeys(cell.experiment.dataset for cell in todo):
        try:
            dataset.check_files()  # the plan asks what it says
        except DataError as error:
            raise ConfigError(str(error)) from None
        if hasattr(dataset, "fallback") or hasattr(dataset, "path"):
            name, notice = _find(dataset, before.get(dataset.source()))
            fallen_back |= {dataset} if name != dataset.name else set()
            notices |= {notice: None} if notice else {}
    return SweepData(frozenset(fallen_back), tuple(notices))


def _find(dataset: Dataset, used: Used | None) -> tuple[str, str | None]:
    """The name of the set really used, and the notice. ConfigError where it is not that of an earlier run."""
    try:
        found = find(dataset, fallen_back=used is not None and used.name != dataset.name)
    except DataError:  # no data at all: the cells that want them will say so and fail, the others go on
        return dataset.name, None
    if used and (found.dataset.name != used.name or (used.digest and used.digest != found.digest)):
        other = " with other images" if found.dataset.name == used.name else ""
        raise ConfigError(
            f"{used.directory} was trained on {used.name}{other}, and now {found.dataset.name} is what dataset={dataset.name} "
            "finds. A sweep is trained on one data set: say by dataset.root (or dataset.path) where that one is, or choose "
            "another name."
        )
    return found.dataset.name, found.notice


def _used(cells: Iterable[Cell], directory: Path) -> dict[Hashable, Used]:
    """The data of the runs that are there, by what their data sets depend on. ConfigError where they differ already."""
    used: dict[Hashable, Used] = {}
    for cell in cells:
        try:
            summary = read_summary(directory / cell.name / SUMMARY)
            own = Used(directory / cell.name, summary["dataset"], summary.get("dataset_digest", ""))
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if "stack" in summary:  # it got as far as its data
            first = used.setdefault(cell.experiment.dataset.source(), own)
            if first.name != own.name:
                raise ConfigError(
                    f"{first.directory} was trained on {first.name} and {own.directory} on {own.name}: a sweep is trained on "
                    "one data set. Move those of one set elsewhere, or choose another name."
                )
    return used
