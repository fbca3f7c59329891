"""`train -sc`: the scripts that make bash, zsh and fish ask for completions, and the answers in each one's form.

Hydra's own scripts do not work in zsh, and load all of Hydra at each key; argcomplete and shtab complete what an argparse parser
knows, and our words are key=value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from trainer.errors import ConfigError

BASH = """\
_train_complete() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" TRAIN_BREAKS="$COMP_WORDBREAKS" TRAIN_COMMAND="$1" \\
    "${1/#\\~/$HOME}" -sc query=bash 2>/dev/null)
}
complete -o nospace -F _train_complete train
"""

ZSH = """\
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i -D }
_train_complete() {
  local -a whole begun
  local word what
  while IFS=$'\\t' read -r word what; do
    if [[ $word == *$'\\v' ]]; then
      begun+=("${${word%$'\\v'}//:/\\\\:}${what:+:$what}")
    else
      whole+=("${word//:/\\\\:}${what:+:$what}")
    fi
  done < <("${words[1]/#\\~/$HOME}" -sc query=zsh -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
  _describe -V train whole -- begun -S ''
}
compdef _train_complete train
"""

FISH = """\
function __train_complete
  set -l typed (commandline -opc)
  set -l current (commandline -ct)
  set -l program (string replace -r '^~' $HOME -- $typed[1])
  $program -sc query=fish -- $typed[2..-1] "$current" 2>/dev/null
end
complete -c train -f -k -a '(__train_complete)'
"""

INSTALL = {"bash": BASH, "zsh": ZSH, "fish": FISH}
UNINSTALL = {"bash": "complete -r train\n", "zsh": "compdef -d train\n", "fish": "complete -e -c train\n"}

CONTINUES = "\v"
"""Marks a word for zsh that no blank may follow."""


def main(argv: Sequence[str], conf: Path) -> int:
    """`-sc install=SHELL`, `-sc uninstall=SHELL`, and what the scripts ask. Raises ConfigError for anything else."""
    is_first = argv[0] in ("-sc", "--shell-completion") and len(argv) > 1
    asked = re.fullmatch(r"(install|uninstall|query)=(bash|zsh|fish)", argv[1]) if is_first else None
    if not asked or (asked[1] != "query" and len(argv) > 2):
        raise ConfigError(
            "-sc prints the script for tab completion, also for zsh and fish: type train -sc install=bash. See: train --help"
        )
    if asked[1] == "query":
        with suppress(ConfigError, OSError):  # what can't be completed is left as it is typed
            print("".join(f"{line}\n" for line in _answer(asked[2], argv[2:], conf)), end="")
    else:
        print((INSTALL if asked[1] == "install" else UNINSTALL)[asked[2]], end="")
    return 0


def _answer(shell: str, argv: Sequence[str], conf: Path) -> Iterator[str]:
    from trainer.shell.completing import candidates

    if shell == "bash":
        line = split(os.environ.get("COMP_LINE", "")[: _point()])
        words = line.words[_place(line.words) + 1 :]
        yield from _for_bash(line, [(each.word, each.whole) for each in candidates(words, line.current, conf)])
        return
    *words, current = argv[1:] or [""]
    for each in candidates(words, current, conf):
        mark = CONTINUES if shell == "zsh" and not each.whole else ""
        yield f"{each.word}{mark}\t{' '.join(each.what.split())}".rstrip("\t")


def _point() -> int | None:
    point = os.environ.get("COMP_POINT", "")
    return int(point) if point.isdecimal() else None


def _place(words: Sequence[str]) -> int:
    """Where the command's own name stands: behind assignments, for instance."""
    name = os.environ.get("TRAIN_COMMAND", "")
    return words.index(name) if name in words else 0


class Line(NamedTuple):
    """A line up to the cursor: its whole words, the last one without its quotes and as it is typed, and the quote it is in."""

    words: list[str]
    current: str
    raw: str
    quote: str


def split(line: str) -> Line:
    """A line of bash in words, the last of which may end within quotes."""
    words: list[str] = []
    text, raw, quote, escaped, begun = "", "", "", False, False
    for character in line:
        if character.isspace() and not quote and not escaped:
            words += [text] * begun
            text, raw, begun = "", "", False
            continue
        raw, begun = raw + character, True
        if escaped:
            text, escaped = text + character, False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote and character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote, raw = character, ""
        else:
            text += character
    return Line(words, text, raw, quote)


def _for_bash(line: Line, found: Iterable[tuple[str, bool]]) -> Iterator[str]:
    """What bash puts in the place of the current word's last part: it takes = and : for the end of a word, and adds nothing
    itself, so blanks and backslashes are ours."""
    breaks = [] if line.quote else [i for i, character in enumerate(line.current) if character in _breaks()]
    kept = breaks[-1] + 1 if breaks else 0
    quoted: Callable[[str], str] = str if line.quote else _with_backslashes
    for word, whole in found:
        yield f"{quoted(word[kept:])}{line.quote if whole else ''}{' ' if whole else ''}"


def _breaks() -> str:
    return os.environ.get("TRAIN_BREAKS", "").replace(" ", "")


def _with_backslashes(text: str) -> str:
    return re.sub(r"([^\w@%+=:,./~-])", r"\\\1", text)
