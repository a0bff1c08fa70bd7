"""A value that a query takes: its type, its range, and what is said of one that is not allowed."""

import math
import operator
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final, Literal, NoReturn

from saedb.ingest.errors import InputError

ParameterType = Literal[
    "run",
    "partition",
    "feature",
    "layer",
    "measure",
    "hops",
    "integer",
    "float",
    "string",
    "words",
    "list",
    "choice",
    "boolean",
]
Value = str | int | float | bool | list[str] | None

_SIGNED_64_BITS: Final = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One value that a query takes."""

    name: str
    type: ParameterType
    meaning: str
    required: bool = False
    """Without a default: an argument on the command line, where the others are options."""
    default: Value = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The values of a choice or measure; empty for the other types."""
        if self.type != "measure":
            return self.choices
        from saedb.ingest.measures import ASKED  # imports numpy, which a list of queries does not need

        return tuple(measure.name for measure in ASKED)

    @property
    def is_text(self) -> bool:
        """Whether its value is part of the statement's text: Cypher takes no parameter there."""
        return self.type in ("measure", "hops")

    def checked(self, value: Any) -> Value:
        """Return the value as the driver takes it.

        Raises:
            InputError: it is of another type, out of range, or not one of the choices.
        """
        if value is None and not self.required and self.default is None:
            return None
        match self.type:
            case "integer" | "layer" | "hops":
                return self._within(self._integer(value))
            case "float":
                return self._within(self._float(value))
            case "list":
                return self._texts(value)
            case "choice" | "measure":
                return self._one_of(value)
            case "words":
                return self._words(value)
            case "boolean":
                return self._boolean(value)
            case _:
                return self._text(value)

    def _integer(self, value: Any) -> int:
        try:
            number = operator.index(value)
        except TypeError:
            self._refuse(value, "an integer")
        if isinstance(value, bool) or number not in _SIGNED_64_BITS:
            self._refuse(value, "an integer of 64 bits")
        return number

    def _float(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            self._refuse(value, "a number")
        return float(value)

    def _within(self, number: float) -> float:
        if self.low is not None and number < self.low:
            self._refuse(number, f"at least {self.low:g}")
        if self.high is not None and number > self.high:
            self._refuse(number, f"at most {self.high:g}")
        return number

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            self._refuse(value, "a text")
        try:
            value.encode()
        except UnicodeEncodeError:  # half a surrogate pair, as in an argument that is no UTF-8
            self._refuse(value, "valid text")
        return value

    def _words(self, value: Any) -> str:
        text = self._text(value)
        if not text.split():
            self._refuse(value, "at least one word")
        return text

    def _texts(self, value: Any) -> list[str]:
        if isinstance(value, str) or not isinstance(value, list | tuple):
            self._refuse(value, "a list of texts")
        return [self._text(item) for item in value]

    def _boolean(self, value: Any) -> bool:
        if not isinstance(value, bool):
            self._refuse(value, "true or false")
        return value

    def _one_of(self, value: Any) -> str:
        if value not in self.allowed:
            self._refuse(value, f"one of {', '.join(self.allowed)}")
        return value

    def _refuse(self, value: Any, expected: str) -> NoReturn:
        raise InputError(f"{self.name} must be {expected}, not {value!r}")
