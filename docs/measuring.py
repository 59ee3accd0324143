"""What the programs of docs/ that measure runs have in common."""

import json
from pathlib import Path
from typing import Any


def write(to: Path, found: dict[str, Any]) -> None:
    """Write what was measured, with the machine and the versions that it was measured with."""
    from seq2seq.system.machine import machine
    from seq2seq.system.versions import package_versions

    found = {"machine": machine(), "versions": package_versions(), **found}
    to.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
