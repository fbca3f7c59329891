"""Rules by which losing runs leave a stack early, so that the rest runs faster. Off by default.

The runs of one stack compete with one another, whatever differs between them, and not with those of other stacks: nobody
waits for anybody. A rule sees the records of one moment, of the runs still going, and names those that shall leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from trainer.records import Record


def halving(records: Sequence[Record]) -> set[int]:
    """Successive halving (Jamieson & Talwalkar 2016): after epochs 1, 2, 4, 8, … the better half goes on, rounded up.

    Judged by valid/accuracy; of equals the earlier in the stack stay.
    """
    epoch = records[0].epoch
    if not float(epoch).is_integer() or int(epoch).bit_count() != 1:
        return set()
    ranked = sorted(records, key=lambda record: -record.metrics["valid/accuracy"])
    return {record.run for record in ranked[math.ceil(len(ranked) / 2) :]}


PRUNERS: dict[str, Callable[[Sequence[Record]], set[int]]] = {"halving": halving}
