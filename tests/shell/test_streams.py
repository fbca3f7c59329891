"""The command in poor surroundings: closed, full or narrow streams, little memory, a signal before anything has begun."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import until

ROOT = Path(__file__).parents[2]
MAIN = "from trainer.shell.main import main; main()"
TALKERS = [
    "--help",
    "--version",
    "--hydra-help",
    "--info all",
    "--cfg job",
    "-sc install=bash",
    "compare --help",
    "compare runs",
]


def start(cwd: Path, *words: str, path: Path = ROOT, **options: Any) -> subprocess.Popen[str]:
    """The console command, as an installed `train` begins it."""
    env = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}", **options.pop("env", {})}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, "-c", MAIN, *words], cwd=cwd, env=env, **{"text": True, **streams})


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with two runs to compare."""
    place = tmp_path_factory.mktemp("place")
    words = ["dataset=synthetic", "dataset.samples=300", "dataset.validation=60", "epochs=0", "hydra/launcher=basic"]
    done = start(place, "-m", *words, "seed=1,2")
    assert (done.communicate()[1], done.returncode) == ("", 0)
    return place


@pytest.mark.parametrize("words", TALKERS)
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_encoding_of_few_characters_is_enough(words, encoding, place):
    done = start(place, *words.split(), env={"PYTHONIOENCODING": encoding}, encoding=encoding)
    out, err = done.communicate()
    assert done.returncode == 0, err
    assert len(out) > 40 and "Error" not in err


@pytest.mark.parametrize("words", TALKERS)
def test_a_reader_who_has_gone_has_read_enough(words, place):
    read, write = os.pipe()
    os.close(read)
    done = start(place, *words.split(), stdout=write)
    os.close(write)
    assert (done.communicate()[1], done.returncode) == ("", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device of a full disk is Linux's")
@pytest.mark.parametrize("words", TALKERS)
def test_a_full_disk_is_said(words, place):
    with open("/dev/full", "w") as full:
        done = start(place, *words.split(), stdout=full)
        expected = "train: the output can't be written: No space left on device.\n"
        assert (done.communicate()[1], done.returncode) == (expected, 1)


@pytest.mark.parametrize("words", [*TALKERS, "epochs=-1", "compare nowhere"])
def test_closed_streams_are_no_crash(words, place):
    command = f"exec {sys.executable} -c '{MAIN}' {words} <&- >&- 2>&-"
    done = subprocess.run(["bash", "-c", command], cwd=place, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == (0 if words in TALKERS else 2)


ENDS = """
import atexit, sys
from trainer.shell import main
def run(words):
    atexit.register(print, "called at exit")
    print("said", flush=False)
    return int(words[0])
main.run = run
main.main()
"""


@pytest.mark.parametrize("word, code", [("0", 0), ("3", 3), ("no number", 1)])
def test_the_short_way_out_loses_nothing(word, code):
    """The process ends without taking everything apart, after what others asked to be called, and what waits is written."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    done = subprocess.run([sys.executable, "-c", ENDS, word], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (code, "said\ncalled at exit\n")
    assert ("ValueError" in done.stderr) == (code == 1)


@pytest.mark.parametrize("backend", ["nothing", "module://matplotlib_inline.backend_inline", "TkAgg"])
def test_the_backend_of_a_notebook_does_not_matter(backend, place):
    done = start(place, "compare", "--plot", "x.png", env={"MPLBACKEND": backend, "DISPLAY": ""})
    assert done.communicate() and done.returncode == 0
    assert (place / "x.png").read_bytes().startswith(b"\x89PNG")
    (place / "x.png").unlink()


def test_too_little_memory_for_the_libraries_is_one_sentence(tmp_path):
    limit = 200 * 2**20
    done = start(
        tmp_path,
        "dataset=synthetic",
        "epochs=0",
        env={"OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    err = done.communicate(timeout=120)[1]
    assert done.returncode == 1
    assert err.startswith("train: ") and err.count("\n") == 1 and "ulimit -v" in err
    assert list(tmp_path.iterdir()) == []


STOPS = [("SIGINT", "interrupted", 130), ("SIGTERM", "terminated", 143), ("SIGHUP", "terminated", 143)]


@pytest.mark.parametrize(("name", "word", "code"), STOPS)
@pytest.mark.parametrize("module", ["hydra", "torch", "argparse"])
def test_a_signal_while_libraries_are_loaded(name, word, code, module, tmp_path):
    """A stand-in for a library says that it is being imported, and takes its time."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / f"{module}.py").write_text("import time\nopen('importing', 'w').close()\ntime.sleep(300)\n")
    (tmp_path / "cwd").mkdir()
    done = start(tmp_path / "cwd", "dataset=synthetic", "epochs=0", path=tmp_path / "slow")
    until((tmp_path / "cwd" / "importing").exists)
    done.send_signal(getattr(signal, name))
    assert (done.communicate()[1], done.returncode) == (f"train: {word}.\n", code)
    assert not (tmp_path / "cwd" / "runs").exists()


def test_nohup_is_honoured(tmp_path):
    (tmp_path / "hydra.py").write_text("import time\nopen('importing', 'w').close()\ntime.sleep(300)\n")
    ignored = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    done = start(tmp_path, "epochs=0", path=tmp_path, **ignored)
    until((tmp_path / "importing").exists)
    done.send_signal(signal.SIGHUP)
    done.send_signal(signal.SIGTERM)
    assert (done.communicate()[1], done.returncode) == ("train: terminated.\n", 143)


def test_until_signals_are_heard_next_to_nothing_is_imported():
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import trainer.shell.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert not {"typing", "dataclasses", "pathlib", "inspect", "argparse", "trainer.errors"} & set(done.stdout.split())
