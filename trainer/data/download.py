"""Fetching data files: one download among many processes, nothing half done under a final name.

A file is held in memory until its digests are right and then renamed into place, so whatever ends the process,
no partial file ever has the final name. The lock is the operating system's and ends with the process that holds it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from trainer.data.idx import SUMS, IdxFile, Unreachable, read_all, sums
from trainer.data.transfer import Sources, obtain
from trainer.errors import DataError

if TYPE_CHECKING:
    from rich.progress import Progress


def torchvision_sources(folder: str) -> Sources:
    """Torchvision's own mirrors and digests for `folder`, the name of its class; a mirror in TRAIN_MIRROR comes first.

    The mirror is laid out as a data root: its files are at TRAIN_MIRROR/<folder>/raw/<file>.gz.
    """
    try:
        from torchvision import datasets  # here, because the import costs seconds
    except Exception as error:  # a torchvision that does not fit the torch beside it raises RuntimeError
        raise Unreachable(f"torchvision, which knows the sources, cannot be imported ({error}).") from error
    known = getattr(datasets, folder)
    own = os.environ.get("TRAIN_MIRROR")
    first = (f"{own.rstrip('/')}/{folder}/raw/",) if own else ()
    listed = (
        known.resources if isinstance(known.resources, list) else [*known.resources["train"], *known.resources["test"]]
    )
    bases = {f"{url.rpartition('/')[0]}/": None for url, _ in listed if "/" in url}  # QMNIST's are whole addresses
    return Sources((*first, *(bases or known.mirrors)), {url.rpartition("/")[2]: md5 for url, md5 in listed})


def fetch(folder: Path, files: tuple[IdxFile, ...], published: Mapping[str, str], sources: Sources) -> None:
    """Brings what is missing or damaged among `files` into `folder`, unpacked and checked.

    Of many processes that call this at once, one downloads and the others wait and find the files there.
    Raises Unreachable where no source has a file, DataError where `folder` cannot be written.
    """
    with _exclusive(folder, sources.patience.lock):
        bad = read_all(folder, files, published)[1]  # again: another process may have been here first
        if not bad:
            return
        mirrors = list(sources.mirrors)
        with _progress() as progress:
            for file in bad:
                content, mirror = obtain(file, [*_local(folder, file), *mirrors], sources, progress)
                _save(folder, file.name, content)
                mirrors.sort(key=mirror.__ne__)  # what worked is asked first next time


def _local(folder: Path, file: IdxFile) -> tuple[str, ...]:
    """The .gz that torchvision leaves beside its unpacked files is the nearest mirror."""
    return (folder.resolve().as_uri() + "/",) if (folder / f"{file.name}.gz").is_file() else ()


def _save(folder: Path, name: str, content: bytes) -> None:
    """The digest first: a file must never lie there without the digest that later loads check it against."""
    digests = {**sums(folder), name: hashlib.sha256(content).hexdigest()}
    lines = "".join(f"{digest}  {file}\n" for file, digest in sorted(digests.items()))
    try:
        _replace(folder / SUMS, lines.encode())
        _keep_aside(folder / name)
        _replace(folder / name, content)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _keep_aside(path: Path) -> None:
    """Rename what lies at `path`, if it holds anything: damaged or not, it may be dear to somebody."""
    if path.exists() and path.stat().st_size:
        names = (path.with_name(f"{path.name}.damaged{number}") for number in ("", *(f"-{i}" for i in range(2, 1000))))
        path.rename(next(name for name in names if not name.exists()))


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")  # one name is enough under the lock, and a killed run's is overwritten
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _exclusive(folder: Path, patience: float) -> Iterator[None]:
    """Makes `folder`, and keeps other processes out while the block runs. What is still empty at the end goes again."""
    try:
        lock, made = _lock(folder, patience)
    except filelock.Timeout:
        raise DataError(
            f"Another process has held {folder / '.lock'} for {patience:g} s: end it, "
            f"or set dataset.root to another folder."
        ) from None
    except OSError as error:
        raise _unwritable(folder, error) from None
    with lock:
        try:
            yield
        finally:
            Path(lock.lock_file).unlink(missing_ok=True)  # while held: filelock notices, and waits for the new one
            for path in made:
                with suppress(OSError):  # not empty: there is something to keep
                    path.rmdir()


def _lock(folder: Path, patience: float) -> tuple[filelock.BaseFileLock, list[Path]]:
    """The lock on `folder`, held, and the folders that had to be made for it, innermost first."""
    lock = filelock.FileLock(folder / ".lock", timeout=patience)
    # A process that gives up takes its empty folder away, maybe between two steps of ours, or of mkdir's.
    for again in reversed(range(100)):
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            break
        except (FileNotFoundError, FileExistsError):
            if not again:
                raise
    return lock, made


def _unwritable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"{folder} cannot be written ({error.strerror}): set dataset.root, or the environment variable TRAIN_DATA, "
        f"to a folder that can."
    )


def _progress() -> Progress:
    """Bars on stderr where a person looks at it, nothing elsewhere."""
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.DownloadColumn())
    shown = sys.stderr.isatty() and console.is_interactive
    return progress.Progress(*columns, progress.TransferSpeedColumn(), console=console, disable=not shown)
