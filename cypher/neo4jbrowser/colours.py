"""A colour for every layer: the hue tells neighbours apart, the lightness falls from the first layer to the last.

The scale is a spiral in OKLCH (Ottosson 2020), where equal steps look equal: fifteen layers go once around the hues,
and the next turn is darker. After three turns it begins again.
"""

from math import cos, pi, sin
from typing import Final

LIGHT: Final = "#FFFFFF"
DARK: Final = "#000000"
"""The colours of texts, on dark and on light grounds."""

_TURN: Final = 15
_TURNS: Final = 3
_LIGHTEST: Final = 0.86
_DARKEST: Final = 0.46
_CHROMA: Final = 0.12
_FIRST_HUE: Final = 250.0  # degrees: blue, and from there by way of green and yellow to red


def of_layer(layer: int) -> str:
    """Return the colour of a layer, as ``#RRGGBB``."""
    place = layer % (_TURN * _TURNS)
    lightness = _LIGHTEST - (_LIGHTEST - _DARKEST) * place / (_TURN * _TURNS - 1)
    return _hexadecimal(*_srgb(lightness, (_FIRST_HUE - place * 360 / _TURN) % 360))


def darker(colour: str) -> str:
    """Return a colour for the border around a ground."""
    return _hexadecimal(*(0.75 * part for part in _parts(colour)))


def text_on(ground: str) -> str:
    """Return which of the two colours of texts is read better on a ground."""
    return max((LIGHT, DARK), key=lambda text: contrast(text, ground))


def contrast(a: str, b: str) -> float:
    """Return the contrast of two colours as the Web Content Accessibility Guidelines define it, from 1 to 21."""
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


def _srgb(lightness: float, hue: float) -> tuple[float, float, float]:
    """Return red, green and blue in [0, 1]; the chroma is lowered until the screen can show the colour."""
    chroma = _CHROMA
    while True:
        parts = _linear(lightness, chroma * cos(hue * pi / 180), chroma * sin(hue * pi / 180))
        if all(0 <= part <= 1 for part in parts):
            red, green, blue = map(_encoded, parts)
            return red, green, blue
        chroma *= 0.97


def _linear(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    """Return linear red, green and blue of a colour in OKLab, by Ottosson's matrices."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _encoded(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def _luminance(colour: str) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hexadecimal(*parts: float) -> str:
    return "#" + "".join(f"{round(part * 255):02X}" for part in parts)
