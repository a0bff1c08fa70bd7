"""One file of a cache of EleutherAI's delphi: the activations of consecutive latents, ``{first}_{last}.safetensors``.

    locations    [n, 3]                    context, position, latent counted from `first`; ascending by context
    activations  [n]                       in half precision; of a magnitude above 1e-5
    tokens       [contexts, context_size]  the same in every file; on by default, not in the first versions

The file is split off by latents, not by tokens; but as it is in the order of contexts, the entries of some contexts
are one stretch of it. Bisection in the memory-mapped file finds it, and no more is read than is asked for.
"""

import re
from bisect import bisect_left
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from saedb.ingest.errors import InputError

AGAIN: Final = "cache the activations again"

_NAME: Final = re.compile(r"(?P<first>\d+)_(?P<last>\d+)\.safetensors")

Integers = NDArray[np.int64]
Entries = tuple[Integers, Integers, NDArray[np.float32]]
"""Row (token), column (latent) and value of each activation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentFile:
    """The activations of the latents from `first` to `first + width - 1`."""

    path: Path
    first: int
    width: int
    entries: int
    """Activations in the file."""
    last_context: int
    """Number of the context of the last entry; -1 without entries."""
    has_tokens: bool

    def tokens(self) -> NDArray[np.int32]:
        """Return the text that was cached, [contexts, context_size]; only where the file has it."""
        with _opened(self.path) as tensors:
            return tensors.get_tensor("tokens").numpy().astype(np.int32)

    def above_zero(self, contexts: range, context_size: int) -> Entries:
        """Return the activations above 0 in some contexts; rows count from the first token there.

        Raises:
            InputError: the file is damaged, not in the order of contexts, or has a value that is not finite.
        """
        with _opened(self.path) as tensors:
            locations = tensors.get_slice("locations")
            start, stop = (self._first_entry(locations, context) for context in (contexts.start, contexts.stop))
            where = locations[start:stop].numpy().astype(np.int64)
            values = tensors.get_slice("activations")[start:stop].float().numpy()
        self._check(where, values, ([contexts.start, 0, 0], [contexts.stop, context_size, self.width]))
        above = values > 0
        context, position, latent = where[above].T
        return (context - contexts.start) * context_size + position, latent + self.first, values[above]

    def _first_entry(self, locations: Any, context: int) -> int:
        if context <= 0:
            return 0
        if context > self.last_context:
            return self.entries
        return bisect_left(range(self.entries), context, key=lambda entry: int(locations[entry, 0]))

    def _check(self, where: Integers, values: NDArray[np.float32], bounds: tuple[list[int], list[int]]) -> None:
        # Ranges of contexts that follow each other get stretches of the file that follow each other, also where the
        # file has no order: so over the whole text each entry is met once, and one that is out of order is met here.
        low, high = bounds
        outside = np.any((where < low) | (where >= high), axis=1)
        wrong = np.flatnonzero(outside | ~np.isfinite(values))
        if not len(wrong):
            return
        context, position, latent = where[wrong[0]]
        at = f"context {context}, position {position}, latent {latent + self.first}"
        if outside[wrong[0]]:
            raise InputError(f"{self.path} is damaged or not in the order of contexts (at {at}); {AGAIN}")
        value = values[wrong[0]]
        raise InputError(
            f"{self.path} has the activation {value} at {at}; half precision ends at 65,504: scale the SAE, and {AGAIN}"
        )


def files(folder: Path) -> list[Path]:
    """Return the files of a folder that are named like one of a cache."""
    return [file for file in folder.iterdir() if _NAME.fullmatch(file.name)]


def described(path: Path) -> LatentFile:
    """Return what the name and the header of one of `files` say.

    Raises:
        InputError: the file is damaged, or of another format.
    """
    first, last = (int(number) for number in path.stem.split("_"))
    with _opened(path) as tensors:
        names = tensors.keys()
        shapes: dict[str, list[int]] = {name: tensors.get_slice(name).get_shape() for name in names}
        entries = _entries(shapes, path)
        last_context = int(tensors.get_slice("locations")[entries - 1, 0]) if entries else -1
    return LatentFile(
        path=path,
        first=first,
        width=last + 1 - first,
        entries=entries,
        last_context=last_context,
        has_tokens="tokens" in shapes,
    )


def _entries(shapes: dict[str, list[int]], path: Path) -> int:
    match shapes:
        case {"locations": [number, 3], "activations": [same], "tokens": [_, _]} if same == number:
            return number
        case {"locations": [number, 3], "activations": [same]} if same == number and "tokens" not in shapes:
            return number
        case _:
            found = ", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items()))
            raise InputError(
                f"{path} has {found or 'no tensor'}, it should have locations [n, 3] and activations [n];"
                " give a cache of delphi"
            )


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    """Open a file, memory-mapped, as tensors of torch: NumPy has no bfloat16."""
    try:
        with safe_open(path, framework="pt") as tensors:
            yield tensors
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}); {AGAIN}") from error
