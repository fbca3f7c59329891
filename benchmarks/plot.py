"""The picture for the README: seconds a run and epoch of everyone, on a logarithmic axis."""

from __future__ import annotations

import json
from pathlib import Path


def plot(results: Path) -> Path:
    """Draw the medians and spreads of a peers' results file beside it, as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    data = json.loads(results.read_text(encoding="utf-8"))["data"]
    median = dict(sorted(data["median"].items(), key=lambda item: -item[1]))
    fastest = {name: min(by_threads.values(), key=min) for name, by_threads in data["seconds a run and epoch"].items()}
    spread = [[median[n] - min(fastest[n]) for n in median], [max(fastest[n]) - median[n] for n in median]]
    colours = [
        "#1f77b4" if n.startswith("train") else "#bbbbbb" if n.startswith("floor") else "#e08040" for n in median
    ]
    figure, axes = pyplot.subplots(figsize=(8, 0.4 * len(median) + 1), layout="constrained")
    axes.barh(list(median), list(median.values()), color=colours, xerr=spread, ecolor="#555555")
    axes.set(xscale="log", xlabel=f"seconds a run and epoch ({data['work']}, {data['rounds']} rounds, less is better)")
    shown = [s for s in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10) if axes.get_xlim()[0] <= s <= axes.get_xlim()[1]]
    axes.set_xticks(shown, [f"{s:g}" for s in shown])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    path = results.with_suffix(".svg")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path
