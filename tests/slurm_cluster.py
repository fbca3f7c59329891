"""A real SLURM on this machine alone: two nodes of one core on loopback, with the daemons of Debian's slurm-wlm and munge.

`python tests/slurm_cluster.py` starts one for trials by hand, prints what to export, and stops it at Ctrl-C.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

NODES = ("na", "nb")
DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch")
CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmdTimeout=6
KillWait=20
MinJobAge=300
JobRequeue=1
MpiDefault=none
SlurmdParameters=config_overrides
NodeName=na NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=4000 State=UNKNOWN
NodeName=nb NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=4000 State=UNKNOWN
PartitionName=all Nodes=na,nb Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """What is not installed, as a reason to skip; None where all is there."""
    lacking = [daemon for daemon in DAEMONS if shutil.which(daemon) is None]
    return f"{', '.join(lacking)} not installed: apt-get install slurm-wlm munge" if lacking else None


class SlurmCluster:
    """A context manager; `conf` is its configuration, for SLURM_CONF."""

    def __enter__(self) -> SlurmCluster:
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # short: sockets have names of at most 108 bytes
        self.conf = self.folder / "slurm.conf"
        self.env = {**os.environ, "SLURM_CONF": str(self.conf)}
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self.conf.write_text(
            CONF.format(host=socket.gethostname(), user=getpass.getuser(), folder=self.folder, ports=free_ports(3))
        )
        places = {"key-file": key, "socket": self.folder / "munge.sock"}
        places |= {f"{name}-file": self.folder / f"munged.{name}" for name in ("pid", "log", "seed")}
        self._start("munged", "--force", *(f"--{name}={place}" for name, place in places.items()))
        try:
            self._start("slurmctld", "-c")
            for node in NODES:
                self.begin(node)
            self.wait_for(len(NODES))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in NODES:
            self.lose(node)
        for name in ("slurmctld", "munged"):
            end(self._pid(name), signal.SIGTERM)
        shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self, node: str) -> None:
        """Start a node's daemon."""
        self._start("slurmd", "-N", node)

    def wait_for(self, nodes: int) -> None:
        """Until so many nodes take jobs."""
        deadline = time.monotonic() + 60
        while self.run("sinfo", "--noheader", "--Node", "--states=idle,mixed,alloc").count("\n") < nodes:
            if time.monotonic() > deadline:
                logs = "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
                raise AssertionError(f"SLURM does not come up:\n{logs}")
            time.sleep(0.2)

    def lose(self, node: str) -> None:
        """What is left of a node when its power fails: nothing, and nobody is told."""
        end(self._pid(f"slurmd-{node}"), signal.SIGKILL)
        for pid in list(self.processes(node)):
            end(pid, signal.SIGKILL)

    def processes(self, node: str) -> Iterator[int]:
        """All that runs in jobs on a node, and SLURM's process above it."""
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                own = (place / "environ").read_bytes().split(b"\0")
                if {f"SLURM_CONF={self.conf}".encode(), f"SLURMD_NODENAME={node}".encode()} <= {*own}:
                    parent = int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
                    if (Path("/proc") / str(parent) / "comm").read_text().startswith("slurmstepd"):
                        yield parent
                    yield int(place.name)

    def run(self, *words: str) -> str:
        """The output of one of SLURM's commands."""
        return subprocess.run(words, env=self.env, capture_output=True, text=True).stdout

    def jobs(self) -> list[str]:
        """The states of all jobs in the queue."""
        return self.run("squeue", "--noheader", "--array", "--format=%T").split()

    def hurry(self) -> None:
        """SLURM lets a job that lost its node rest for two minutes before it starts it again: not here."""
        for job in self.run("squeue", "--noheader", "--array", "--states=PENDING", "--format=%i").split():
            self.run("scontrol", "update", f"JobId={job}", "StartTime=now")

    def _start(self, *words: str) -> None:
        done = subprocess.run(words, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)

    def _pid(self, name: str) -> int | None:
        try:
            return int((self.folder / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens at."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def end(pid: int | None, number: signal.Signals) -> None:
    """Signal a process, and wait until it has gone."""
    if pid is None:
        return
    with suppress(ProcessLookupError, FileNotFoundError):
        for _ in range(500):
            os.kill(pid, number)
            time.sleep(0.02)
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return


if __name__ == "__main__":
    if reason := missing():
        raise SystemExit(reason)
    with SlurmCluster() as cluster, suppress(KeyboardInterrupt):
        print(f"export SLURM_CONF={cluster.conf}", flush=True)
        signal.pause()
