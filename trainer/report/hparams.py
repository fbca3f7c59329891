"""All hyper-parameters there are, as TensorBoard wants them declared.

Its HParams page takes the declaration of one run for all, so each run declares every key of every technique: otherwise
a sweep over optimizers would lack the columns that the first run does not have.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Hashable, Iterator
from functools import cache
from typing import Annotated, Any

from trainer.experiment import GROUPS, SECTIONS, Experiment
from trainer.identity import show
from trainer.schema import hints


def declarations(varying: Collection[str]) -> Iterator[Any]:
    """A HParamInfo for each key; words with their choices; the `varying` ones marked to be shown first."""
    from tensorboard.plugins.hparams.api_pb2 import HParamInfo

    for key, kind in kinds().items():
        info = HParamInfo(name=key, type=f"DATA_TYPE_{kind}", differs=key in varying)
        if key in GROUPS:
            info.domain_discrete.extend(list(GROUPS[key]))
        yield info


def typed(key: str, value: Hashable) -> Any:
    """A key's value (not None) as the protobuf Value of its declared type."""
    from google.protobuf.struct_pb2 import Value

    kind = kinds()[key]
    if kind == "STRING":
        return Value(string_value=show(value))
    return Value(bool_value=value) if kind == "BOOL" else Value(number_value=value)


@cache
def kinds() -> dict[str, str]:
    """Each key on the command line with its type: FLOAT64, BOOL or STRING (which numbers or words mixed are too)."""
    plain = {key: _kind(hint) for key, hint in hints(Experiment).items() if key not in (*GROUPS, *SECTIONS)}
    words = dict.fromkeys(GROUPS, "STRING")
    numbers = {
        f"{group}.{key}": _kind(hint)
        for group, table in GROUPS.items()
        for technique in table.values()
        for key, hint in hints(technique).items()
    }
    return plain | words | numbers


def _kind(hint: Any) -> str:
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    bare = {o.__origin__ if typing.get_origin(o) is Annotated else o for o in options} - {types.NoneType}
    return "BOOL" if bare == {bool} else "FLOAT64" if bare <= {int, float} else "STRING"
