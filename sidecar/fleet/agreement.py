"""What all processes of a fleet must share: counts that differ in one of these cannot be added."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from detectors.watch.rules import COUNTING, Rules
from sidecar.config_fleet import Fleet
from sidecar.fleet.layout import LAYOUT
from sidecar.gateway.keyed_hash import KeyedHash

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Agreement:
    """``key`` is a check value: equal where the keys are, and of no use to whoever reads it. ``keep_s``: how long parts wait
    in the store for a monitor.
    """

    key: str
    tick_s: float
    keep_s: int

    @classmethod
    def of(cls, key: bytes, name: str, rules: Rules) -> Self:
        """Of a fleet's key and name, and the rules of a configuration."""
        check = KeyedHash(key).of(b"fleet", name.encode()).hex()
        return cls(check, rules.tick_s, round(max(3600.0, 2 * rules.grace_s + 20 * rules.tick_s)))

    def arguments(self) -> tuple[str, str, str, str]:
        """As the scripts want them: layout, key, tick, counting."""
        return str(LAYOUT), self.key, f"{self.tick_s:g}", str(COUNTING)


def fleet_key(settings: Fleet) -> bytes:
    """The key of ``fleet.key_file``. ValueError, of one line, where there is none."""
    path = settings.key_file
    try:
        key = bytes.fromhex(Path(path).read_text(encoding="ascii").strip())
    except OSError as error:
        raise ValueError(f"fleet.key_file: {path}: cannot be read: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"fleet.key_file: {path}: need {KEY_BYTES} bytes as hex (openssl rand -hex 32)")
    return key
