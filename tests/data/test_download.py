"""Downloads from real servers that behave and misbehave, by real processes, and files that were damaged afterwards."""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from trainer.data.datasets import Digits, FashionMnist, Kmnist, Mnist
from trainer.data.download import _lock, torchvision_sources
from trainer.data.idx import idx_files
from trainer.data.loading import load
from trainer.data.transfer import Patience, Sources
from trainer.errors import DataError

HERE = Path(__file__).parent


def idx_bytes(array: np.ndarray, sizes: tuple[int, ...] | None = None) -> bytes:
    sizes = array.shape if sizes is None else sizes
    return bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + array.tobytes()


def contents() -> dict[str, bytes]:
    random = np.random.default_rng(0)
    values = [random.integers(0, 10 if len(f.shape) == 1 else 256, f.shape, np.uint8) for f in idx_files(60, 20)]
    return {f.name: idx_bytes(v) for f, v in zip(idx_files(60, 20), values, strict=True)}


UNPACKED = contents()
PACKED = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in UNPACKED.items()}
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@dataclass(frozen=True, kw_only=True)
class Tiny(Kmnist):
    """A set of 60 and 20 images with sources of our own; all else is the program's."""

    name: ClassVar[str] = "tiny"
    folder: ClassVar[str] = "Tiny"
    sizes: ClassVar[tuple[int, int]] = (60, 20)
    validation: int = 5
    mirrors: tuple[str, ...] = ()
    patience: Patience = Patience(answer=1, stall=0.5, attempts=2, pause=0.01, lock=60)

    def sources(self) -> Sources:
        return Sources(self.mirrors, {k: hashlib.md5(v).hexdigest() for k, v in PACKED.items()}, self.patience)


Behaviour = Callable[["Handler", bytes], None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        self.server.requests[name] += 1
        self.server.behaviour(self, PACKED[name])

    def head(self, length: int | None) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.requests: Counter[str] = Counter()
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"

    def handle_error(self, *_: object) -> None:
        pass  # clients that give up are what is tested here


def good(handler: Handler, content: bytes) -> None:
    handler.head(len(content))
    handler.wfile.write(content)


def silent(handler: Handler, content: bytes) -> None:
    handler.server.over.wait()


def hesitates(handler: Handler, content: bytes) -> None:
    """Something comes all the time, and never an answer: no time-out of a socket notices."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nServer: ")
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b"x")


def stalls(handler: Handler, content: bytes) -> None:
    handler.head(len(content))
    handler.wfile.write(content[: len(content) // 2])
    handler.server.over.wait()


def trickles(handler: Handler, content: bytes) -> None:
    handler.head(len(content))
    for byte in content:
        handler.wfile.write(bytes([byte]))
        if handler.server.over.wait(0.05):
            return


def truncates(handler: Handler, content: bytes) -> None:
    handler.head(len(content))
    handler.wfile.write(content[: len(content) // 2])


def truncates_unannounced(handler: Handler, content: bytes) -> None:
    handler.head(None)
    handler.wfile.write(content[:-1])


def resets(handler: Handler, content: bytes) -> None:
    handler.head(len(content))
    handler.wfile.write(content[: len(content) // 2])
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def wrong(handler: Handler, content: bytes) -> None:
    good(handler, content[:-1] + bytes([content[-1] ^ 1]))


def endless(handler: Handler, content: bytes) -> None:
    handler.head(None)
    while not handler.server.over.is_set():
        handler.wfile.write(bytes(2**20))


def unavailable(handler: Handler, content: bytes) -> None:
    handler.send_error(503)


def absent(handler: Handler, content: bytes) -> None:
    handler.send_error(404)


def nonsense(handler: Handler, content: bytes) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")


BEHAVIOURS = {
    silent: r"did not answer in time",
    hesitates: "did not answer in time",
    stalls: r"stalled for 0\.5 s after [\d,]+ of",
    trickles: r"sent only [\d,]+ bytes in \d s",
    truncates: r"broke off after [\d,]+ of",
    truncates_unannounced: r"sent other bytes than the published ones \(MD5\)",
    resets: "broke off after",
    wrong: r"sent other bytes than the published ones \(MD5\)",
    endless: "sends more than 67,108,864 bytes",
    unavailable: r"answered 503 Service Unavailable \(2 attempts\)",
    absent: "answered 404 Not Found",
    nonsense: r"gave no connection \(SSH-2\.0",
}
Serve = Callable[[Behaviour], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(behaviour: Behaviour) -> Server:
        servers.append(Server(behaviour))
        threading.Thread(target=functools.partial(servers[-1].serve_forever, poll_interval=0.01)).start()
        return servers[-1]

    yield start
    for server in servers:
        server.over.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address that refuses connections: the port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


def put(dataset: Tiny) -> Path:
    """Good files of `dataset` on disk, as by hand."""
    dataset.path.mkdir(parents=True)
    for name, content in UNPACKED.items():
        (dataset.path / name).write_bytes(content)
    return dataset.path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# ---- servers


def test_one_download_then_none(tmp_path: Path, serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    server = serve(good)
    dataset = Tiny(root=str(tmp_path), mirrors=(server.url,))
    data = load(dataset)
    assert (data.name, data.notice, len(data.train.labels)) == ("tiny", None, 55)
    assert data.train.images[0].tolist() == [np.float32(v) / np.float32(255) for v in UNPACKED[IMAGES][16 : 16 + 784]]
    assert data.test.labels.tolist() == list(UNPACKED["t10k-labels-idx1-ubyte"][8:])
    assert files(dataset.path) == {*UNPACKED, "SHA256SUMS"}
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=dataset.path, check=True)
    load(dataset)
    assert server.requests == dict.fromkeys(PACKED, 1)
    assert capfd.readouterr() == ("", "")  # no bar where nobody looks


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_misbehaving_server(behaviour: Behaviour, tmp_path: Path, serve: Serve) -> None:
    """Alone it is named with its reason, and nothing is left behind; before a good mirror it does no harm."""
    bad, mirror = serve(behaviour), serve(good)
    with pytest.raises(DataError) as caught:
        load(Tiny(root=str(tmp_path / "a"), mirrors=(bad.url,), fallback=None))
    assert re.search(f"{bad.url}{IMAGES}.gz {BEHAVIOURS[behaviour]}", str(caught.value))
    assert not (tmp_path / "a").exists()
    load(Tiny(root=str(tmp_path / "b"), mirrors=(bad.url, mirror.url)))
    assert mirror.requests == dict.fromkeys(PACKED, 1)
    assert set(bad.requests) == {f"{IMAGES}.gz"}  # the mirror that worked is asked first from then on


@pytest.mark.parametrize("length", ["abc", "-5", "9" * 5000, "", "1e3", "\u00b2"])
def test_a_length_that_is_none_is_passed_over(length: str, tmp_path: Path, serve: Serve) -> None:
    def odd(handler: Handler, content: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.wfile.write(content)

    assert load(Tiny(root=str(tmp_path), mirrors=(serve(odd).url,))).name == "tiny"


def test_faults_that_pass_are_tried_again(tmp_path: Path, serve: Serve) -> None:
    turns = {1: unavailable, 3: truncates}
    server = serve(lambda handler, content: turns.get(handler.server.requests.total(), good)(handler, content))
    assert load(Tiny(root=str(tmp_path), mirrors=(server.url,))).name == "tiny"
    assert server.requests == {**dict.fromkeys(PACKED, 1), f"{IMAGES}.gz": 2, f"{LABELS}.gz": 2}


def test_faults_that_stay_are_not_tried_again(tmp_path: Path, serve: Serve) -> None:
    server = serve(absent)
    load(Tiny(root=str(tmp_path), mirrors=(server.url,)))
    assert server.requests.total() == 1


def test_fallback_says_so(tmp_path: Path, nobody: str) -> None:
    dataset = Tiny(root=str(tmp_path / "new"), mirrors=(nobody, "gopher://x/", "mirror"), validation=12, limit=40)
    data, digits = load(dataset), load(Digits(validation=300, limit=40))
    assert data.name == "digits"
    for part, expected in ((data.train, digits.train), (data.valid, digits.valid), (data.test, digits.test)):
        assert np.array_equal(part.images, expected.images)  # 12 of 60 held out: 300 of 1,500
    lines = (data.notice or "").splitlines()
    assert lines[0].startswith("NOT TINY: this run uses the data set 'digits' instead")
    assert lines[1].endswith(f"and {IMAGES} could not be downloaded. Tried:")
    assert lines[2] == f"  - {nobody}{IMAGES}.gz gave no connection (Connection refused)"
    assert lines[3] == f"  - gopher://x/{IMAGES}.gz gave no connection (unknown url type: gopher)"
    assert lines[4] == f"  - mirror{IMAGES}.gz is not an address"
    assert str(dataset.path) in lines[5] and "TRAIN_MIRROR" in lines[5]
    assert "300 are held out" in lines[6]
    assert not (tmp_path / "new").exists()


def test_the_default_fallback_equals_digits(tmp_path: Path, nobody: str) -> None:
    """MNIST's own split, where MNIST can't be had, gives the very data of dataset=digits."""

    class Unreachable(Mnist):
        def sources(self) -> Sources:
            return Sources((nobody,), {})

    data, digits = load(Unreachable(root=str(tmp_path))), load(Digits())
    assert [len(split.labels) for split in (data.train, data.valid)] == [1200, 300]
    assert np.array_equal(data.train.images, digits.train.images)
    tiny = Tiny(root=str(tmp_path), mirrors=(nobody,), fallback="synthetic")
    assert load(tiny).name == "synthetic"


def test_no_fallback(tmp_path: Path, nobody: str) -> None:
    with pytest.raises(DataError) as caught:
        load(Tiny(root=str(tmp_path), mirrors=(nobody,), fallback=None))
    lines = str(caught.value).splitlines()
    assert nobody in lines[1] and lines[2].startswith("To use tiny: run again with a network")


def test_own_mirror_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets

    for ours in (Mnist, FashionMnist, Kmnist):
        theirs = getattr(datasets, ours.folder)
        monkeypatch.delenv("TRAIN_MIRROR", raising=False)
        assert torchvision_sources(ours.folder).mirrors == tuple(theirs.mirrors)
        monkeypatch.setenv("TRAIN_MIRROR", "http://localhost/data/")
        sources = torchvision_sources(ours.folder)
        assert sources.mirrors == (f"http://localhost/data/{ours.folder}/raw/", *theirs.mirrors)
        assert set(sources.md5) == {f"{file.name}.gz" for file in idx_files(*ours.sizes)}


# ---- damage


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


DAMAGE = [
    (IMAGES, cut, "has 23,528 bytes instead of 47,056"),
    (IMAGES, lambda content: content[:3], "does not begin as an IDX file of its kind"),
    (IMAGES, lambda content: UNPACKED[LABELS], "does not begin as an IDX file of its kind"),
    (IMAGES, lambda content: content + b"\0", "has 47,057 bytes instead of 47,056"),
    (LABELS, lambda content: content[:4] + struct.pack(">I", 50) + content[8:-9], "holds 50 values by its header"),
    (IMAGES, flip, "has the right size but not the right SHA-256"),
    (LABELS, lambda content: content[:-1] + bytes([9 - content[-1]]), "has the right size but not the right SHA-256"),
]
DAMAGE_NAMES = ["cut", "short", "other file", "long", "count", "flipped", "other label"]


@pytest.mark.parametrize(("name", "damage", "reason"), DAMAGE, ids=DAMAGE_NAMES)
def test_damaged_file(
    name: str, damage: Callable[[bytes], bytes], reason: str, tmp_path: Path, serve: Serve, nobody: str
) -> None:
    """Named, never passed over for the fallback, and fetched again, that file alone, once there is a network."""
    server = serve(good)
    online = Tiny(root=str(tmp_path), mirrors=(server.url,))
    load(online)
    path, damaged = online.path / name, damage(UNPACKED[name])
    path.write_bytes(damaged)
    with pytest.raises(DataError) as caught:
        load(Tiny(root=str(tmp_path), mirrors=(nobody,)))
    assert f"Damaged: {path} {reason}" in str(caught.value)
    assert nobody in str(caught.value) and "elete" not in str(caught.value)
    server.requests.clear()
    data = load(online)
    assert data.name == "tiny" and f"replaced by a fresh download: {path} {reason}" in (data.notice or "")
    assert server.requests == {f"{name}.gz": 1}
    assert path.with_name(f"{name}.damaged").read_bytes() == damaged
    assert load(online).notice is None
    path.write_bytes(damaged)
    load(online)
    assert path.with_name(f"{name}.damaged-2").read_bytes() == damaged


def test_an_empty_file_is_fetched_again_whoever_left_it(tmp_path: Path, serve: Serve) -> None:
    dataset = Tiny(root=str(tmp_path), mirrors=(serve(good).url,))
    folder = put(dataset)
    (folder / IMAGES).write_bytes(b"")
    assert f"{folder / IMAGES} is empty" in (load(dataset).notice or "")
    assert (folder / IMAGES).read_bytes() == UNPACKED[IMAGES] and not list(folder.glob("*.damaged*"))


OWN = [
    (IMAGES, idx_bytes(np.zeros((7, 5, 5), np.uint8)), "holds 7 × 5 × 5 values by its header", True),
    (LABELS, idx_bytes(np.full(60, 25, np.uint8)), "holds the label 25, and labels end at 9", True),
    (IMAGES, b"a text of mine", "does not begin as an IDX file of its kind", False),
    (IMAGES, UNPACKED[IMAGES][:-100], "bytes instead of", False),
]
"""Files of somebody's own under MNIST's names: what is said of them, and whether they are a whole set's."""


@pytest.mark.parametrize(("name", "content", "reason", "whole"), OWN, ids=["shape", "labels", "text", "cut"])
@pytest.mark.parametrize("packed", [False, True])
def test_what_we_did_not_download_is_never_replaced(
    name: str, content: bytes, reason: str, whole: bool, packed: bool, tmp_path: Path, serve: Serve
) -> None:
    """Refused by name, with a source at hand and the rest missing; and left as it is even where a download was there before."""
    server = serve(good)
    dataset = Tiny(root=str(tmp_path), mirrors=(server.url,))
    path = dataset.path / (f"{name}.gz" if packed else name)
    content = gzip.compress(content) if packed else content
    for downloaded_before in (False, whole and not packed):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if packed and not whole:
            load(dataset)  # laid beside it
        else:
            with pytest.raises(DataError, match="Not tiny: .*left as it is. Move it out of") as caught:
                load(dataset)
            assert str(dataset.path / name) in str(caught.value) and reason in str(caught.value)
            assert not server.requests
        assert path.read_bytes() == content
        if not downloaded_before and whole and not packed:
            path.unlink()
            load(dataset)
            server.requests.clear()


def test_files_put_there_by_hand_need_no_source(tmp_path: Path) -> None:
    dataset = Tiny(root=str(tmp_path))
    put(dataset)
    assert (load(dataset).name, load(dataset).notice) == ("tiny", None)


def test_packed_files_are_read_as_they_are(tmp_path: Path) -> None:
    dataset = Tiny(root=str(tmp_path))
    folder = put(dataset)
    unpacked = load(dataset)
    for name, content in UNPACKED.items():
        (folder / name).unlink()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    assert np.array_equal(load(dataset).train.images, unpacked.train.images)
    assert files(folder) == set(PACKED)
    (folder / f"{IMAGES}.gz").write_bytes(PACKED[f"{IMAGES}.gz"][:-20])
    with pytest.raises(DataError, match=f"is there only as {IMAGES}.gz, which does not unpack"):
        load(dataset)


def test_packed_file_beside_a_damaged_one_is_the_nearest_mirror(tmp_path: Path) -> None:
    dataset = Tiny(root=str(tmp_path))
    folder = put(dataset)
    (folder / IMAGES).write_bytes(b"")
    (folder / f"{IMAGES}.gz").write_bytes(PACKED[f"{IMAGES}.gz"])
    assert "is empty" in (load(dataset).notice or "")
    assert (folder / IMAGES).read_bytes() == UNPACKED[IMAGES]


# ---- folders


def test_folder_that_cannot_be_written(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError) as caught:
        load(Tiny(root=str(tmp_path / "file"), mirrors=(serve(good).url,)))
    assert str(caught.value) == (
        f"{tmp_path}/file/Tiny/raw cannot be written (Not a directory): set dataset.root, or the environment "
        f"variable TRAIN_DATA, to a folder that can."
    )


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    dataset = Tiny(root=str(tmp_path))
    (dataset.path / IMAGES).mkdir(parents=True)
    with pytest.raises(DataError, match=f"{IMAGES} cannot be read .Is a directory.: correct its permissions"):
        load(dataset)


# ---- processes

PREAMBLE = (
    "import sys; sys.path[:0] = sys.argv[1:3]\n"
    "from pathlib import Path\n"
    "from test_download import Patience, Tiny, load\n"
    "dataset = Tiny(root=sys.argv[3], mirrors=tuple(sys.argv[4:]), fallback='synthetic',\n"
    "               patience=Patience(stall=20, answer=20))\n"
)


def start(code: str, root: Path, *mirrors: str, **pipes: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PREAMBLE + code, str(HERE.parent), str(HERE), str(root), *mirrors]
    return subprocess.Popen(command, text=True, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes})


def six(code: str, root: Path, mirror: str) -> list[str]:
    processes = [start(code, root, mirror) for _ in range(6)]
    results = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 6, results
    return [out.strip() for out, _ in results]


def test_six_processes_make_one_download(tmp_path: Path, serve: Serve) -> None:
    """They meet at a server that gives the first file only when all six are about to ask."""

    def patient(handler: Handler, content: bytes) -> None:
        while len(list(tmp_path.glob("ready-*"))) < 6 and not handler.server.over.wait(0.01):
            pass
        good(handler, content)

    server = serve(patient)
    code = "import os; Path(sys.argv[3], f'ready-{os.getpid()}').touch(); print(load(dataset).name)"
    assert six(code, tmp_path, server.url) == ["tiny"] * 6
    assert server.requests == dict.fromkeys(PACKED, 1)
    assert files(tmp_path / "Tiny" / "raw") == {*UNPACKED, "SHA256SUMS"}


def test_six_processes_without_a_network_all_fall_back(tmp_path: Path, nobody: str) -> None:
    assert six("print(load(dataset).name)", tmp_path / "new", nobody) == ["synthetic"] * 6


@pytest.mark.parametrize("error", [FileNotFoundError, FileExistsError])
def test_a_folder_that_another_process_takes_away_is_made_again(error, tmp_path, monkeypatch):
    """It may go before `mkdir`, or between its two looks, which makes another error of it; a file in its place is one."""
    mkdir, errors = Path.mkdir, [error(2, "gone"), error(2, "gone")]

    def taken_away(path: Path, *args: object, **keys: object) -> None:
        if errors:
            raise errors.pop()
        mkdir(path, *args, **keys)

    monkeypatch.setattr(Path, "mkdir", taken_away)
    lock, made = _lock(tmp_path / "a/b", patience=1.0)
    with lock:
        assert (tmp_path / "a/b").is_dir() and made == [tmp_path / "a/b", tmp_path / "a"]
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        _lock(tmp_path / "file", patience=1.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ended_while_downloading(number: signal.Signals, tmp_path: Path, serve: Serve) -> None:
    """Nothing partial under a final name, no lock left held: the next run succeeds."""
    turns = {3: stalls}
    server = serve(lambda handler, content: turns.get(handler.server.requests.total(), good)(handler, content))
    process = start("load(dataset)", tmp_path, server.url)
    wait_for(lambda: server.requests.total() == 3, process)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == -number
    folder = tmp_path / "Tiny" / "raw"
    assert {name for name in files(folder) if not name.startswith(".")} == {IMAGES, LABELS, "SHA256SUMS"}
    assert load(Tiny(root=str(tmp_path), mirrors=(server.url,))).name == "tiny"
    assert server.requests.total() == 5
    assert files(folder) == {*UNPACKED, "SHA256SUMS"}


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def test_another_process_holds_the_lock(tmp_path: Path, serve: Serve) -> None:
    server = serve(stalls)
    process = start("load(dataset)", tmp_path, server.url)
    try:
        wait_for(lambda: server.requests.total() == 1, process)
        with pytest.raises(DataError, match="Another process has held .*/.lock for 0.1 s: end it, or set dataset.root"):
            load(Tiny(root=str(tmp_path), mirrors=(server.url,), patience=Patience(lock=0.1)))
    finally:
        process.kill()
        process.communicate()


def test_full_disk(tmp_path: Path, serve: Serve) -> None:
    """A limit on file sizes stands for the disk: the big file fails, aloud, and leaves no part of itself."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
    out, err = start(limit + "load(dataset)", tmp_path, serve(good).url).communicate()
    assert "Tiny/raw cannot be written (File too large): set dataset.root" in err
    assert files(tmp_path / "Tiny" / "raw") == {"SHA256SUMS"}


def test_progress_on_a_terminal(tmp_path: Path, serve: Serve) -> None:
    ours, theirs = pty.openpty()
    process = start("load(dataset)", tmp_path, serve(good).url, stderr=theirs)
    os.close(theirs)
    assert process.communicate()[0] == ""
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert f"{IMAGES}.gz" in shown and "━" in shown
