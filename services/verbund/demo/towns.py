"""Where the made-up offers take place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Town:
    """A real town: postcode, WGS 84 position of its centre."""

    name: str
    postcode: str
    lat: float
    lon: float


LUDWIGSLUST_PARCHIM: Final = (
    Town("Parchim", "19370", 53.4268, 11.8488),
    Town("Ludwigslust", "19288", 53.3244, 11.4969),
    Town("Hagenow", "19230", 53.4301, 11.1886),
    Town("Boizenburg/Elbe", "19258", 53.3826, 10.7215),
    Town("Lübz", "19386", 53.4629, 12.0283),
    Town("Sternberg", "19406", 53.7118, 11.8263),
)
ENNEPE_RUHR: Final = (
    Town("Schwelm", "58332", 51.2856, 7.2931),
    Town("Hattingen", "45525", 51.3992, 7.1858),
    Town("Witten", "58452", 51.4436, 7.3526),
    Town("Gevelsberg", "58285", 51.3196, 7.3394),
    Town("Ennepetal", "58256", 51.2987, 7.3623),
    Town("Herdecke", "58313", 51.3999, 7.4324),
    Town("Sprockhövel", "45549", 51.3467, 7.2436),
)
STARNBERG: Final = (
    Town("Starnberg", "82319", 47.9974, 11.3406),
    Town("Gauting", "82131", 48.0689, 11.3774),
    Town("Gilching", "82205", 48.1074, 11.2936),
    Town("Herrsching am Ammersee", "82211", 47.9996, 11.1719),
    Town("Tutzing", "82327", 47.9092, 11.2811),
    Town("Seefeld", "82229", 48.0338, 11.2126),
)
MITTELSACHSEN: Final = (
    Town("Freiberg", "09599", 50.9119, 13.3428),
    Town("Mittweida", "09648", 50.9856, 12.9811),
    Town("Döbeln", "04720", 51.1221, 13.1107),
    Town("Flöha", "09557", 50.8558, 13.0739),
    Town("Rochlitz", "09306", 51.0477, 12.7989),
    Town("Brand-Erbisdorf", "09618", 50.8659, 13.3218),
)
VULKANEIFEL: Final = (
    Town("Daun", "54550", 50.1969, 6.8294),
    Town("Gerolstein", "54568", 50.2230, 6.6610),
    Town("Kelberg", "53539", 50.2906, 6.9180),
    Town("Hillesheim", "54576", 50.2906, 6.6723),
)
