"""What becomes of one feature, layer by layer.

From the feature on, the best link by one measure is followed forward to the end and back to the beginning; where no
link reaches the minimum, the largest child of a stored split is followed. Other links that reach it, and other children
of the split, stand beside the step: there the feature divides, or looking back, several flow together.

@group evolution
@param run: run  the run to search
@param feature: feature  its id, or a short form such as 6/2320
@param measure: measure = pearson  by which the best link is chosen
@param minimum: float = 0.3  lowest value of the measure on a link
@param branches: integer = 5 in [0, 1000]  most others at each step
@column step: integer  0 is the feature itself; later ones are positive, earlier ones negative
@column feature: feature  the feature of this step
@column label: string  its label
@column value: float  the measure on the link between it and the step nearer to 0
@column support: integer (tokens)  tokens with both ends of that link active
@column state: string  what becomes of it next; before step 0: where it came from
@column others: feature[]  where the step nearer to 0 leads beside it
@column other_labels: string[]  their labels
@example 6/2320
@example 6/2320 --measure necessity --minimum 0.8
"""

from collections.abc import Iterator

from saedb.cypher.connection import Connection, Row
from saedb.cypher.trace import Tracer


def rows(
    connection: Connection, *, run: str, feature: str, measure: str, minimum: float, branches: int
) -> Iterator[Row]:
    """Yield one row for each step, in the order of the model."""
    tracer = Tracer(connection=connection, run=run, measure=measure, minimum=minimum, branches=branches)
    yield from tracer.trace(feature)
