"""Which cases of a test the default run takes, and which ones only the slow one."""

from collections.abc import Iterable
from typing import Any

import pytest


def quick(cases: Iterable[Any], *chosen: Any) -> list[Any]:
    """Mark all cases as slow and repeated but the chosen ones, or but the first where none is chosen."""
    cases = list(cases)
    chosen = chosen or (cases[0],)
    absent = [case for case in chosen if case not in cases]
    if absent:
        raise ValueError(
            f"What is chosen is one of the cases. Received: {absent}. Correct it, or the run leaves it out."
        )
    return [
        case
        if case in chosen
        else pytest.param(
            *(case if isinstance(case, tuple) else (case,)), marks=[pytest.mark.slow, pytest.mark.repeats]
        )
        for case in cases
    ]
