"""A question about techniques, answered: configurations, their rates chosen on some seeds, judged on others, in plain words.

from trainer import study
answer = study.ask(optimizer="momentum", clip="grad", dataset="digits", epochs=5)
print(*study.sentences(answer), sep="\n")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.study.answer import Answer
    from trainer.study.asking import ask
    from trainer.study.question import Question
    from trainer.study.sentences import sentences

__all__ = ["Answer", "Question", "ask", "sentences"]

_HOMES = {"Answer": "answer", "Question": "question", "ask": "asking", "sentences": "sentences"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: what a study will do is said before NumPy, SciPy and rich are loaded."""
    if name not in _HOMES:
        raise AttributeError(f"module 'trainer.study' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"trainer.study.{_HOMES[name]}"), name)
