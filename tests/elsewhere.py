"""A run as on another machine, with patience of a second: `python elsewhere.py DIRECTORY EPOCHS` begins or resumes it.

Where it runs is told by the start of the machine; this process claims another one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sweep_cells import cell

from trainer.report.files import SUMMARY
from trainer.run import lease, process
from trainer.run.run import resume, run_single
from trainer.run.stack_run import Job

if __name__ == "__main__":
    process._boot = lambda: "of another machine"
    lease.BEAT, lease.EXPIRES = 0.1, 1.0
    directory, epochs = Path(sys.argv[1]), int(sys.argv[2])
    directory.mkdir(exist_ok=True)
    job = Job(cell(epochs=epochs, checkpoint={"epochs": 1}).experiment, directory)
    sys.exit(resume(directory, {}) if (directory / SUMMARY).exists() else run_single(job))
