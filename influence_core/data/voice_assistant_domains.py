"""Domains of the built-in set: which requests belong together, how common, how often synthetic.

The grammar's own domains are lopsided (three quarters of its templates are `homeassistant`), so a
request's domain is told from its intent and from the kind of device its template asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Domain:
    """A class of requests and the share of its rows that is marked as synthetic."""

    name: str
    synthetic: float


DOMAINS = (
    Domain("lights", 0.11),
    Domain("media", 0.14),
    Domain("timers", 0.14),
    Domain("devices", 0.15),
    Domain("climate", 0.16),
    Domain("covers", 0.25),
    Domain("lists", 0.15),
    Domain("status", 0.30),
    Domain("cleaning", 0.25),
    Domain("weather", 0.18),
    Domain("security", 0.55),
    Domain("assistant", 0.40),
    Domain("scenes", 0.96),
)
"""All domains, the most common first. About 19% of all rows are synthetic."""

_BY_INTENT = {
    "HassBroadcast": "assistant",
    "HassRespond": "assistant",
    "HassNevermind": "assistant",
    "HassGetCurrentDate": "assistant",
    "HassGetCurrentTime": "assistant",
    "HassGetWeather": "weather",
    "HassGetState": "status",
    "HassLightSet": "lights",
    "HassSetPosition": "covers",
    "HassFanSetSpeed": "climate",
    "HassVacuumStart": "cleaning",
    "HassVacuumReturnToBase": "cleaning",
    "HassVacuumCleanArea": "cleaning",
    "HassLawnMowerStartMowing": "cleaning",
    "HassLawnMowerDock": "cleaning",
}

_BY_WORD = {
    "Climate": "climate",
    "Timer": "timers",
    "List": "lists",
    "Media": "media",
    "Volume": "media",
}

_BY_DEVICE = {
    "light": "lights",
    "cover": "covers",
    "valve": "covers",
    "lock": "security",
    "fan": "climate",
    "climate": "climate",
    "scene": "scenes",
    "script": "scenes",
    "button": "scenes",
    "input_button": "scenes",
    "media_player": "media",
}


def devices_of(block: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the kinds of device a block of templates is about; one empty name where none."""
    for place in ("slots", "requires_context"):
        kinds = block.get(place, {}).get("domain")
        if kinds:
            return (kinds,) if isinstance(kinds, str) else tuple(kinds)
    return ("",)


def domain_of(intent: str, device: str) -> str:
    """Return the domain of a request by its intent, else by the kind of device it is about."""
    if intent in _BY_INTENT:
        return _BY_INTENT[intent]
    word = next((word for word in _BY_WORD if word in intent), None)
    return _BY_WORD[word] if word else _BY_DEVICE.get(device, "devices")
