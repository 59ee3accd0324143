"""Where a command takes a model, or the folder of an export in its place."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seq2seq.commands.arguments import MODEL, given_options, model_in, named_ensemble, need_model
from seq2seq.commands.decoding_options import chosen_copying, chosen_mbr
from seq2seq.runtime.folder import is_exported
from seq2seq.system.terminal import UsageError

MODEL_OR_EXPORT = f"{MODEL}; or the folder of an export, which onnxruntime translates with, without TensorFlow"

_TENSORFLOW_ALONE = (
    *("ensemble", "ensemble_weights", "ensemble_mean", "shortlist", "precision"),
    *("mbr", "candidates", "unknown", "dictionary", "protect"),
)


def need_model_or_export(path: Path) -> None:
    """Refuse what is neither."""
    if not is_exported(path):
        need_model(model_in(path))


def model_or_export(arguments: argparse.Namespace, path: Path) -> Any:
    """Load what a command names, and the models that decide with it.

    Args:
        arguments: What :func:`seq2seq.commands.arguments.add_ensemble` and
            :func:`seq2seq.commands.decoding_options.add_decoding` parsed.
        path: Which one.
    """
    if not is_exported(path):
        return named_ensemble(arguments, path)
    given = given_options(arguments, _TENSORFLOW_ALONE)
    if given:
        raise UsageError(
            "An export translates without TensorFlow, where this is not there. "
            f"Received: {given[0]} with the export {path}. Leave it out, or name the model file."
        )
    from seq2seq.runtime import load

    return load(path)


def options_of_a_model(
    arguments: argparse.Namespace, settings: Any, path: Path, dictionary: Mapping[str, str] | None
) -> dict[str, Any]:
    """Give the arguments of ``Translator.hypotheses`` that an export does not take, as the options and a model say."""
    if is_exported(path):
        return {}
    return {
        "shortlist": arguments.shortlist,
        "precision": arguments.precision,
        "mbr": chosen_mbr(arguments, settings),
        **chosen_copying(arguments, settings, dictionary),
    }
