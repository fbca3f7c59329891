"""The commands beside training: what each does, and what is typed behind it. Nothing is imported: help is to be quick."""

VERBS = {
    "study": "does a technique help, and is that real?",
    "resume": "continue a run, a sweep or a study where it was stopped",
    "show": "what happened inside a run, and why",
    "runs": "the runs and sweeps that there are",
    "compare": "statistics over finished runs",
    "report": "the same as one page for a browser",
    "help": "one choice, group, number or setting explained: train help momentum",
}

TYPED = {
    "study": "[key=value ...]", "resume": "RUN_DIR [epochs=N]", "show": "RUN_DIR ...", "runs": "[DIR ...]",
    "compare": "[DIR ...]", "report": "[DIR ...] -o FILE.html", "help": "[WORD ...]",
}  # fmt: skip
