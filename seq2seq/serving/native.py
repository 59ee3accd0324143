"""The server's own way to translate: `/v1/translate`, with all that is known of a translation; and `/v1/models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from seq2seq.serving.engines import Asked
from seq2seq.serving.reading import count_of, fields_of, flag_of, need_known, need_room, table_of, text_of, texts_of
from seq2seq.serving.refusal import Json, Refusal
from seq2seq.serving.state import State
from seq2seq.serving.waiting import while_there

if TYPE_CHECKING:
    from seq2seq.translation.hypothesis import Translation

FIELDS = ("texts", "source", "target", "n_best", "beam_size", "attention", "prefixes", "terms")


async def translate(request: Request) -> Response:
    """Translate texts, and give pieces, scores and alignment."""
    state = State.of(request)
    state.keys.check(request)
    fields = await fields_of(request, state.settings)
    need_known(fields, FIELDS)
    texts = texts_of(fields, "texts")
    prefixes = texts_of(fields, "prefixes") if "prefixes" in fields else [""] * len(texts)
    if len(prefixes) != len(texts):
        raise Refusal(
            400,
            f'Each text has its prefix. Received: {len(texts)} texts, {len(prefixes)} prefixes. Give "" for anything.',
        )
    terms = table_of(fields, "terms")
    if len(terms) > state.settings.max_terms:
        raise Refusal(
            413,
            f"A request has at most {state.settings.max_terms:,} terms. Received: {len(terms):,}. Give those that the "
            "texts have.",
        )
    need_room([*texts, *prefixes, *terms, *terms.values()], state.settings, count=len(texts))
    n_best = count_of(fields, "n_best", 1, 1, state.settings.max_beam)
    beam_size = count_of(fields, "beam_size", n_best, n_best, state.settings.max_beam)
    whole = flag_of(fields, "attention")
    pairs = state.models.pairs
    alone = pairs[0] if len(pairs) == 1 else (None, None)
    source, target = text_of(fields, "source", alone[0]), text_of(fields, "target", alone[1])
    served = state.models.of(source, target)
    asked = Asked(n_best, beam_size if "beam_size" in fields else None, details=True, terms=tuple(terms.items()))
    state.note(request, texts)
    found = await while_there(request, state.models.translate(source, target, texts, prefixes, asked))
    told = [_told(one, whole) for one in found]
    return Json({"source": source, "target": target, "model": served.name, "translations": told})


def _told(one: Translation, whole: bool) -> dict[str, Any]:
    told = one.to_json()
    if whole:
        for hypothesis, said in zip(one.hypotheses, [told, *told["others"]], strict=True):
            looked = hypothesis.alignment
            said["attention"] = None if looked is None else np.nan_to_num(looked.astype(float)).round(3).tolist()
    return told


async def models(request: Request) -> Response:
    """Tell which models there are, and how wide a beam may be asked for."""
    state = State.of(request)
    return Json({
        "max_beam": state.settings.max_beam,
        "models": [
            {
                "source": source, "target": target, "name": served.name, "engine": served.engine.name,
                "beam_size": served.engine.beam_size,
            }
            for (source, target), served in state.models
        ]
    })  # fmt: skip
