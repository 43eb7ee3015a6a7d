"""Two problems of engineers: a fermenter and a welded beam, as published, written down again here."""

from __future__ import annotations

import math
from typing import Final

from objectives.space import Double, SearchSpace

__all__ = ["BEAM_SPACE", "PENICILLIN_SPACE", "penicillin", "welded_beam"]

PENICILLIN_SPACE: Final = SearchSpace(
    (
        Double("volume", 60.0, 120.0),
        Double("biomass", 0.05, 18.0),
        Double("temperature", 293.0, 303.0),
        Double("glucose", 0.05, 18.0),
        Double("feed", 0.01, 0.5),
        Double("feed_glucose", 500.0, 700.0),
        Double("ph", 5.0, 6.5),
    )
)
#: Hours after which the fermenter is stopped at the latest, and the volume (l) it holds.
LONGEST, LARGEST = 2500, 180.0
GAS: Final = 1.9872  # cal / (mol K)


def growth(a: dict[str, float]) -> float:
    """What temperature and acidity make of the biomass's largest growth rate (1/h)."""
    h = 10.0 ** -a["ph"]
    warm = 7e3 * math.exp(-5100.0 / (GAS * a["temperature"])) - 1e33 * math.exp(-5e4 / (GAS * a["temperature"]))
    return 0.092 / (1 + 1e-10 / h + h / 7e-5) * warm


def penicillin(a: dict[str, float]) -> list[float]:
    """Fed-batch fermentation, an hour a step: minus the penicillin (g/l), the carbon dioxide, the hours.

    Birol, Undey & Cinar 2002, in the form that Liang & Lai 2021 optimise. The glucose may run out in the first hours,
    and the best known front lies within half a percent of the range of that cliff, on needles: what keeps its values
    when every parameter is off by 2, 1 and 0.3 % of its range reaches .45, .51 and .53 of its hypervolume.
    """
    volume, biomass, glucose, product, gas = a["volume"], a["biomass"], a["glucose"], 0.0, 0.0
    rate = growth(a)
    evaporation = 2.5e-4 * math.expm1(5 * (a["temperature"] - 373.0) / (273.0 - 373.0))
    hour = 0
    while hour < LONGEST:
        hour += 1
        swelling = a["feed"] - volume * evaporation
        mu = rate * glucose / (0.15 * biomass + glucose)
        making = 0.005 * glucose / (0.0002 + glucose + glucose**2 / 0.10)
        more_biomass = mu * biomass - biomass / volume * swelling
        eaten = (mu / 0.45 + making / 0.90 + 0.014) * biomass
        more_glucose = a["feed"] * a["feed_glucose"] / volume - eaten - glucose / volume * swelling
        more_product = making * biomass - 0.04 * product - product / volume * swelling
        gas += 0.143 * more_biomass + 4e-7 * biomass + 1e-4
        volume, biomass, glucose, product = (
            volume + swelling,
            biomass + more_biomass,
            glucose + more_glucose,
            product + more_product,
        )
        if volume > LARGEST or glucose < 0 or more_product < 1e-11:
            break
    return [-product, gas, float(hour)]


BEAM_SPACE: Final = SearchSpace(
    (Double("weld", 0.125, 5.0), Double("length", 0.1, 10.0), Double("height", 0.1, 10.0), Double("width", 0.125, 5.0))
)
LOAD, REACH, YOUNG, SHEAR = 6000.0, 14.0, 30e6, 12e6  # lb, in, psi, psi


def welded_beam(a: dict[str, float]) -> list[float]:
    """Cost and end deflection of a welded beam; at least zero has to be: what is left of the limits, as their shares.

    Limits on shear stress, bending stress, buckling load, and a weld no thicker than the beam (Deb & Srinivasan 2006).
    """
    h, long, t, b = a["weld"], a["length"], a["height"], a["width"]
    cost = 1.10471 * h * h * long + 0.04811 * t * b * (14.0 + long)
    deflection = 4 * LOAD * REACH**3 / (YOUNG * t**3 * b)
    direct = LOAD / (math.sqrt(2) * h * long)
    radius = math.sqrt(long * long / 4 + ((h + t) / 2) ** 2)
    inertia = math.sqrt(2) * h * long * (long * long / 12 + ((h + t) / 2) ** 2)
    twisting = LOAD * (REACH + long / 2) * radius / inertia
    shear = math.sqrt(direct**2 + direct * twisting * long / radius + twisting**2)
    bending = 6 * LOAD * REACH / (b * t * t)
    buckling = 4.013 * YOUNG * t * b**3 / (6 * REACH**2) * (1 - t / (2 * REACH) * math.sqrt(YOUNG / (4 * SHEAR)))
    return [cost, deflection, 1 - shear / 13600, 1 - bending / 30000, buckling / LOAD - 1, (b - h) / 5.0]
