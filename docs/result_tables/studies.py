"""The studies behind the pages of docs/explanation: which variants, of which recipe, for how long."""

import re
import shlex

_SHORTCUT = "model.residual_from=1"
_SMALL = ("model.encoder.units=64,64", "model.decoder.units=128,128", "model.attention.input_feeding=false")
_ICELANDIC = "data.path=$SEQ2SEQ_DATA/sigmorphon2020_g2p/{split}/ice_{split}.tsv.gz"
# A recipe, what of its text, and the epochs of a small model without attention and with it.
_TASKS = {
    "eutrans": ("recipes/eutrans.py", (), {"plain": 5, "attention": 12}),
    "letters": ("recipes/sigmorphon.py", (_ICELANDIC,), {"plain": 20, "attention": 20}),
}
# Most studies sort the text as a whole, as the first ones did.
_SORTED = "batches.pool=0"
_IN_POOLS = ("pools-", "state-passing-eutrans-attention")
# Where the spread is large, or a run takes a quarter of an hour.
_SEEDS = {"state-passing-eutrans-attention": 5, "very-deep-eutrans-plain": 2}
# What all variants of a file in docs/studies have in common, or those of one study.
_COMMON = {
    "cells": (_SHORTCUT,),
    "dropout": (_SHORTCUT,),
    "teacher-forcing": (_SHORTCUT,),
    "unequal-depth": (_SHORTCUT, "model.encoder.units=64,64,64,64"),
    # So many sentences with all their translations: 453 pairs, 1,461, 4,920 and 9,900. About as many updates of each.
    "data-300": ("data.sample=300", "training.epochs=354", "training.validate_every=198"),  # 3,540
    "data-1000": ("data.sample=1000", "training.epochs=118", "training.validate_every=198"),  # 3,540
    "data-3300": ("data.sample=3300", "training.epochs=36", "training.validate_every=198"),  # 3,564
    "data-9900": ("training.epochs=18", "training.validate_every=198"),  # 3,564
    "pools": ("model.encoder.bidirectional=first", "model.encoder.units=64,128"),
    "pools-eutrans-recipe": (),
    "very-deep": tuple(
        f"model.{side}.units={','.join([units] * 16)}" for side, units in (("encoder", "64"), ("decoder", "128"))
    ),
}
_WIDE = 92  # characters of a line of code that a page shows whole
NAMES = (
    "state-passing-eutrans-plain",
    "state-passing-letters-plain",
    "state-passing-eutrans-attention",
    "state-passing-letters-attention",
    "direction-eutrans-plain",
    "direction-letters-plain",
    "direction-eutrans-attention",
    "direction-letters-attention",
    "depth-eutrans-plain",
    "depth-residual-eutrans-plain",
    "depth-equal-eutrans-plain",
    "depth-equal-letters-attention",
    "cells-eutrans-plain",
    "cells-letters-attention",
    "teacher-forcing-eutrans-plain",
    "teacher-forcing-letters-plain",
    "dropout-eutrans-attention",
    "dropout-letters-attention",
    "width-eutrans-plain",
    "width-letters-plain",
    "unequal-depth-eutrans-plain",
    "data-300-eutrans-plain",
    "data-1000-eutrans-plain",
    "data-3300-eutrans-plain",
    "data-9900-eutrans-plain",
    "pools-eutrans-attention",
    "pools-letters-attention",
    "pools-eutrans-recipe",
    "shortcut-eutrans-attention",
    "shortcut-letters-attention",
    "very-deep-eutrans-plain",
)
"""Variants, task, and how: small models without attention ("plain") or with it, or the recipe as it is.

`data-1000` are the variants of data.toml with 1,000 sentences of the source, `data-9900` those with all 9,900 pairs.
"""


def command(name: str, folder: str = "studies") -> list[str]:
    """Give the command of a study.

    Args:
        name: One of `NAMES`.
        folder: Where its folder goes.

    Raises:
        ValueError: There is no such study.
    """
    if name not in NAMES:
        raise ValueError(
            f"A study is one of docs/result_tables/studies.py. Received: {name}. There is: {', '.join(NAMES)}."
        )
    variants, task, how = name.rsplit("-", 2)
    recipe, settings, epochs = _TASKS[task]
    if how != "recipe":
        kind = "none" if how == "plain" else "general"
        settings = (*settings, *_SMALL, f"model.attention.kind={kind}", f"training.epochs={epochs[how]}")
    settings = (*settings, *_COMMON.get(name, _COMMON.get(variants, ())))
    if not name.startswith(_IN_POOLS):
        settings = (*settings, _SORTED)
    latest = {setting.partition("=")[0]: setting for setting in settings}
    file = re.sub(r"-\d+$", "", variants)
    return [
        *("seq2seq", "compare", recipe, "--variants", f"docs/studies/{file}.toml"),
        *("--seeds", str(_SEEDS.get(name, 3))),
        *(word for setting in latest.values() for word in ("--set", setting)),
        *("--out", f"{folder}/{name}"),
    ]


def block(name: str) -> str:
    """Make a block of code with the command of a study, an option and its value on one line.

    Raises:
        ValueError: There is no such study.
    """
    lines, line = [], ""
    for part in re.split(r" (?=--)", shlex.join(command(name))):
        if line and len(f"{line} {part} \\") > _WIDE:
            lines.append(f"{line} \\")
            line = f"    {part}"
        else:
            line = f"{line} {part}" if line else part
    return "\n".join(["```sh", *lines, line, "```"])
