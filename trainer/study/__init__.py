"""A question about techniques, answered: configurations, their rates chosen on some seeds, judged on others, in plain words.

from trainer import study
answer = study.ask(optimizer="momentum", clip="grad", dataset="digits", epochs=5)
print(*study.sentences(answer), sep="\n")
"""

from __future__ import annotations

from trainer.study.answer import Answer
from trainer.study.asking import ask
from trainer.study.question import Question
from trainer.study.sentences import sentences

__all__ = ["Answer", "Question", "ask", "sentences"]
