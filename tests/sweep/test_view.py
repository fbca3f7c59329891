"""Where a warning of a sweep goes while its panel is drawn."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from trainer.sweep.display import SweepDisplay
from trainer.sweep.progress import Progress
from trainer.sweep.view import SweepView


class File(io.StringIO):
    """One that says whether it is a terminal."""

    def __init__(self, is_one: bool):
        super().__init__()
        self.isatty = lambda: is_one  # type: ignore[method-assign]


@pytest.mark.parametrize("title", [None, "Data"])
@pytest.mark.parametrize(("out_is_one", "err_is_one"), [(True, True), (True, False), (False, True), (False, False)])
def test_a_warning_stands_above_the_panel_and_is_never_drawn_over(out_is_one, err_is_one, title, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out, err = (Console(file=File(one), width=80) for one in (out_is_one, err_is_one))
    with SweepView(Progress(cells=3, stacks=1, cost=1.0), SweepDisplay(), out, err) as view:
        view.warn("a worker was killed", title)
    written = {console: "a worker was killed" in console.file.getvalue() for console in (out, err)}  # type: ignore[attr-defined]
    above = out_is_one and err_is_one
    assert written == {out: above, err: not above}


def test_beside_the_panel_there_is_room_for_what_a_terminal_echoes(monkeypatch):
    """Of Ctrl-C; else a line of the panel stays when it is taken away."""
    monkeypatch.setenv("TERM", "xterm")
    out = Console(file=File(True), width=60)
    display = SweepDisplay()
    display.named, display.summaries = {}, {}
    with SweepView(Progress(cells=3, stacks=1, cost=1.0), display, out, out) as view:
        view.next = 0.0
        view.tick()
    written = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.file.getvalue())  # type: ignore[attr-defined]
    assert "running" in written and max(map(len, written.splitlines())) == 57
