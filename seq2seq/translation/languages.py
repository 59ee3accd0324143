"""Which languages a translator is for, as the recipe that it was trained with says."""

from __future__ import annotations

import tomllib


def languages_of(recipe: str) -> tuple[str, str] | None:
    r"""Read the languages of a recipe.

    Args:
        recipe: As TOML, as it travels with a translator.

    Returns:
        Those that it translates from and to; None where it does not say.

    Example:
        >>> languages_of('name = "dates"\n[data]\nsource = "de"\ntarget = "en"\n'), languages_of("")
        (('de', 'en'), None)
    """
    try:
        data = tomllib.loads(recipe).get("data", {})
        return data["source"], data["target"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        return None
