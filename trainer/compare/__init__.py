"""`train compare`: statistics over finished run directories, without torch, Hydra or OmegaConf.

runs → groups → comparison (with options and statistics) → table, export, plot; fairness says what to doubt.
"""

from trainer.compare.command import compare_table, main
from trainer.compare.comparison import Comparison, compare
from trainer.compare.options import Options
from trainer.compare.runs import CompareError

__all__ = ["CompareError", "Comparison", "Options", "compare", "compare_table", "main"]
