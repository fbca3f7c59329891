"""A search over learning rates in words and as a chart of characters: what came out, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.compare.fairness import FEW_SEEDS
from trainer.compare.rate_search import RATE, Search, Tried
from trainer.compare.scales import Scale, scale_of
from trainer.identity import show
from trainer.terminal.printable import command

LONGEST, SHORTEST = 60, 10  # characters of a chart's axis


def told(search: Search) -> str:
    """What came out, in a few sentences."""
    if search.best is None:
        lowest = show(search.tried[0].rate)
        return f"All runs{_whose(search)} diverged, at each of {len(search.tried)} learning rates from {lowest} on."
    parts = (_best(search, search.best), _others(search, search.best), _diverged(search))
    return (
        f"{' '.join(part for part in parts if part)} It was chosen on these data, so its score is slightly optimistic."
    )


def _whose(search: Search) -> str:
    return f" of {search.name}" if search.name else ""


def _best(search: Search, best: Tried) -> str:
    edge = {1: ", the largest", -1: ", the smallest", 0: ""}[search.edge]
    score = f"{search.metric} {_in_full(search, best.mean)}"
    return f"The best of {len(search.tried)} learning rates{_whose(search)} is {show(best.rate)}{edge} ({score})."


def _others(search: Search, best: Tried) -> str:
    """Which of the others are no worse, as far as the seeds tell."""
    others = [each for each in search.tried if each.values and each is not best]
    seeds = len(best.values)
    if not others:
        return ""
    if seeds < FEW_SEEDS:
        return f"{'One seed' if seeds == 1 else f'{seeds} seeds'} can't tell luck from a difference."
    good = search.as_good
    if len(good) == 1:
        return f"All others are worse beyond the noise of {seeds} seeds." if all(o.is_worse for o in others) else ""
    return f"From {show(good[0].rate)} to {show(good[-1].rate)} all are within the noise of {seeds} seeds."


def _diverged(search: Search) -> str:
    lowest = next((each.rate for each in search.tried if each.diverged), None)
    if lowest is None:
        return ""
    beyond = [each for each in search.tried if each.rate >= lowest]
    lost, runs = sum(each.diverged for each in beyond), sum(each.runs for each in beyond)
    where = f"From {show(lowest)} on" if len(beyond) > 1 else f"At {show(lowest)}"
    return f"{where}, {lost} of {runs} runs diverged."


def next_command(search: Search) -> str:
    """Where to search on, where the best is at an edge; else a run with the best."""
    if search.best and not search.edge:
        return f"Train with it: {command(*search.words, f'{RATE}={show(search.best.rate)}')}"
    rates, size = ",".join(map(show, search.further)), "Larger" if search.edge > 0 else "Smaller"
    return f"{size} ones: {command('-m', *search.words, f'{RATE}={rates}', search.seeds)}"


def chart(search: Search, width: int) -> Iterator[str]:
    """A line a rate: its mean `o` (the best `*`) on the range of its seeds, and how many runs diverged. Nothing where the
    width is too small, or fewer than two rates have a value."""
    values = [value for each in search.tried for value in each.values]
    name, number = (
        max(len(RATE), *(len(show(each.rate)) for each in search.tried)),
        len(_scale(search)(max(values, default=0.0))),
    )
    room = min(LONGEST, width - name - number - 4)
    if room < SHORTEST or sum(bool(each.values) for each in search.tried) < 2:
        return
    low, high = min(values), max(values)
    yield f"{RATE:>{name}}  {search.metric} (* best, o mean, - from the lowest to the highest seed)"
    for each in search.tried:
        mark = "*" if each is search.best else "o"
        line = _line(each, mark, low, high, room)
        yield f"{show(each.rate):>{name}}  {line:<{room}}  {_ending(search, each):>{number}}".rstrip()


def _line(tried: Tried, mark: str, low: float, high: float, room: int) -> str:
    if tried.mean is None:
        return ""
    step = (high - low) / (room - 1) or 1.0
    first, middle, last = (round((x - low) / step) for x in (min(tried.values), tried.mean, max(tried.values)))
    return f"{' ' * first}{'-' * (middle - first)}{mark}{'-' * (last - middle)}"


def _ending(search: Search, tried: Tried) -> str:
    mean = "" if tried.mean is None else _scale(search)(tried.mean)
    lost = f"{tried.diverged} of {tried.runs} diverged" if tried.diverged else ""
    return f"{mean} {lost}".strip()


def _scale(search: Search) -> Scale:
    return scale_of(None, search.best.mean if search.best else None, search.metric)


def _in_full(search: Search, value: float | None) -> str:
    return f"{_scale(search)(value)}{' %' if search.metric.endswith('accuracy') else ''}"
