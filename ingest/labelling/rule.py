"""Which of several labels of a feature is the preferred one, in the words in which users are told it.

1. What was asked for with ``--prefer``, in that order: a source, an author of one as ``SOURCE:AUTHOR``, or ``auto``.
2. Imported labels before automatic ones.
3. The highest score; one with a score before one without.
4. The newest import.
5. By the alphabet: text, source, author, method.

`preference` does as it says here. Imports nothing heavy: the command line's help has the rule, too.
"""

from typing import Final

AUTO: Final = "auto"
"""Source of the labels that saedb makes."""

RULE: Final = (
    "Of several labels of a feature, the preferred one is shown: what --prefer names, in its order; else an imported "
    "one before an automatic one, the highest score, the newest import, the first by the alphabet."
)
