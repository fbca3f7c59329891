"""What to know before a study's verdicts are believed."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.study.answer import Answer


def learned_nothing(answer: Answer) -> Iterator[str]:
    """To be said before any verdict: the differences of networks that only guess are no technique's doing."""
    samples = ((one.title, answer.samples[one.key]) for one in answer.question.configurations)
    named = [f"{title} ({own.guessing} of {own.runs} runs)" for title, own in samples if own.guessing]
    if named:
        yield (
            f"These networks learned nothing: {', '.join(named)}. They are no better than always answering with the most "
            "frequent class, so their differences say nothing about techniques."
        )
