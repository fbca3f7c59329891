"""How a study was done, as a paper would say it."""

from __future__ import annotations

from trainer.study import choosing
from trainer.study.answer import Answer
from trainer.study.schedule import BATCH, FIRST, FIRST_SEEDS
from trainer.study.sentences import POINTS
from trainer.terminal.printable import printable


def methods(answer: Answer) -> str:
    """One paragraph: what was trained, how rates were chosen, what judged, and what the tests hold for."""
    return " ".join((_chosen(answer), _judged(answer), _stopped(answer)))


def _chosen(answer: Answer) -> str:
    every = list(answer.question.experiments.values())
    most_epochs = "at most " if any(e.stop.name != "none" for e in every) else ""
    epochs = f"{most_epochs}{every[0].epochs} epoch{'s' * (every[0].epochs != 1)}"
    most = max(len(own.trials) for own in answer.chosen.values())
    further = f" (at most {most} in all)" if most > len(choosing.STEPS) else ""
    return (
        f"Each configuration was trained for {epochs} on {printable(answer.dataset)}. Its learning rate was chosen among "
        f"{len(choosing.STEPS)} values, from a quarter to four times its optimizer's default, by the mean validation accuracy "
        f"over {len(choosing.SEEDS)} seeds ({choosing.SEEDS[0]} to {choosing.SEEDS[-1]}); where the best value was the lowest or "
        f"the highest, further ones were tried{further}."
    )


def _judged(answer: Answer) -> str:
    count, last = len(answer.verdicts), FIRST + answer.seeds - 1
    corrected = f"; p-values are corrected for {count} comparisons (Holm 1979), intervals are not" if count > 1 else ""
    return (
        f"The chosen configurations were then trained anew with {answer.seeds} other seeds ({FIRST} to {last}) and "
        f"judged on {answer.images:,} test images. Neither these seeds nor these images had any part in the choice, so the "
        "estimates are free of its optimism. Differences are paired by seed and image, with seeds and images as crossed random "
        "effects (Rasmussen et al., The DELVE Manual, 1996; intervals after Banerjee, Sankhyā 22, 1960)"
        f"{corrected}."
    )


def _stopped(answer: Answer) -> str:
    first, cap = min(FIRST_SEEDS, answer.question.seeds), answer.question.seeds
    return (
        f"Judging began with {first} seeds and added {BATCH} at a time until no interval was longer than the margin of "
        f"{POINTS.amount(answer.margin)} or all were within 10 % of what the images leave, with {cap} seeds at most. Because "
        "this rule looks at widths more than once, tests are at a level of 3.75 % and intervals at 96.25 %; simulations show "
        "that this holds errors to 5 % and coverage to 95 %."
    )
