"""A hand-written PyTorch loop: exact masks by packed sequences and fused Adam in training, plain masks in decoding."""

import copy
import functools
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.mkldnn import MkldnnLinear

from tests.benchmarks.job import MATRIX, Architecture
from tests.benchmarks.turns import Turns, Updates


def main() -> None:
    """Do the job of standard input."""
    turns = Turns()
    torch.set_num_threads(turns.job.threads)
    torch.manual_seed(0)
    {"layer": layer, "training": training, "decoding": decoding}[turns.job.part](turns)


def layer(turns: Turns) -> None:
    """`nn.LSTM` alone, time first as it likes it, and the matrix product."""
    works = {}
    for size, precision in itertools.product(turns.job.sizes, ("float32", "bfloat16")):
        lstm = nn.LSTM(size.units, size.units, size.layers)
        inputs = torch.randn(size.steps, size.batch, size.units, requires_grad=True)
        d_outputs = torch.randn(size.steps, size.batch, size.units, dtype=getattr(torch, precision))

        def passes(lstm=lstm, inputs=inputs, d_outputs=d_outputs, precision=precision):
            with autocast(precision):
                outputs, _ = lstm(inputs)
            return torch.autograd.grad(outputs, [inputs, *lstm.parameters()], d_outputs.to(outputs.dtype))

        works[f"{size} {precision}"] = size.operations / 1e9, passes
    for precision in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(MATRIX, MATRIX).to(precision) for _ in range(2))
        name = str(precision).removeprefix("torch.")
        works[f"matrix product {name}"] = 2 * MATRIX**3 / 1e9, functools.partial(torch.matmul, a, b)
    turns.repeat(works, least=0.3)


def autocast(precision: str) -> torch.autocast:
    """Compute in bfloat16 where it is asked for; weights stay float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


class Model(nn.Module):
    """The architecture; time comes first everywhere, as `nn.LSTM` likes it."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        (units,), (width,) = set(architecture.encoder), set(architecture.decoder)
        dropout, vocab, embedding = architecture.dropout, architecture.vocab, architecture.embedding
        self.architecture = architecture
        self.source_embedding = nn.Embedding(vocab, embedding)
        self.target_embedding = nn.Embedding(vocab, embedding)
        self.encoder = nn.LSTM(embedding, units, len(architecture.encoder), bidirectional=True, dropout=dropout)
        fed = width if architecture.input_feeding else 0
        self.decoder = nn.LSTM(embedding + fed, width, len(architecture.decoder), dropout=dropout)
        self.keys = nn.Linear(2 * units, width, bias=False)
        self.combine = nn.Linear(2 * units + width, width, bias=False)
        self.logits = nn.Linear(width, vocab)
        self.drop = nn.Dropout(dropout)

    def encode(self, source: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, tuple]:
        """Read sources `[source_time, batch]`, the longest first, with exact masks."""
        packed = pack_padded_sequence(source, lengths)
        embedded = packed._replace(data=self.drop(self.source_embedding(packed.data)))
        memory, state = self.encoder(embedded)
        return pad_packed_sequence(memory)[0], self.bridge(state)

    @staticmethod
    def bridge(state: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Both directions of each layer side by side, `[layers, batch, units]`."""
        return tuple(torch.cat([part[0::2], part[1::2]], dim=2) for part in state)

    def attend(
        self, hidden: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        """Attentional vectors of `[batch, queries, width]`; keys are `[batch, width, source_time]`."""
        weights = torch.baddbmm(bias, hidden, keys).softmax(dim=2)
        context = torch.bmm(weights, values)
        return torch.tanh(self.combine(torch.cat([context, hidden], dim=2)))

    def prepare(self, memory: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What attention reads: keys, values and the bias that hides padding."""
        values = memory.transpose(0, 1)
        keys = self.keys(memory).permute(1, 2, 0)
        bias = torch.zeros(mask.shape, dtype=keys.dtype).masked_fill_(~mask, torch.finfo(keys.dtype).min)
        return keys, values, bias[:, None, :]

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """The loss: mean over real target tokens, and logits only for those."""
        memory, state = self.encode(batch["source"], batch["source_lengths"])
        attended = self.prepare(memory, batch["source_mask"])
        embedded = self.drop(self.target_embedding(batch["target_in"]))
        if self.architecture.input_feeding:
            outputs = self.feed(embedded, state, attended)
        else:
            hidden, _ = self.decoder(embedded, state)
            outputs = self.attend(hidden.transpose(0, 1), *attended)
        outputs = self.drop(outputs.reshape(-1, outputs.shape[2])[batch["target_places"]])
        smoothing = self.architecture.label_smoothing
        return functional.cross_entropy(self.logits(outputs), batch["target_out"], label_smoothing=smoothing)

    def feed(self, embedded: torch.Tensor, state: tuple, attended: tuple) -> torch.Tensor:
        """Input feeding: a loop; the embeddings' product is taken out of it, each layer has one product per step."""
        decoder, width = self.decoder, self.architecture.decoder[-1]
        layers = range(decoder.num_layers)
        inner, outer = decoder.weight_ih_l0.split([self.architecture.embedding, width], dim=1)
        bias = [getattr(decoder, f"bias_ih_l{n}") + getattr(decoder, f"bias_hh_l{n}") for n in layers]
        above = [torch.cat([getattr(decoder, f"weight_{k}_l{n}") for k in ("ih", "hh")], 1) for n in layers[1:]]
        weights = [weight.t() for weight in (torch.cat([outer, decoder.weight_hh_l0], 1), *above)]
        projected = functional.linear(embedded, inner, bias[0]).unbind()
        hidden, cell = (list(part.unbind()) for part in state)
        fed = torch.zeros_like(hidden[-1])
        outputs = []
        for before in projected:
            inputs = fed
            for n in layers:
                start = bias[n] if n else before
                gates = torch.addmm(start, torch.cat([inputs, hidden[n]], dim=1), weights[n])
                i, f, g, o = gates.chunk(4, dim=1)
                cell[n] = f.sigmoid() * cell[n] + i.sigmoid() * g.tanh()
                hidden[n] = o.sigmoid() * cell[n].tanh()
                inputs = self.drop(hidden[n]) if n < len(layers) - 1 else hidden[n]
            fed = self.attend(inputs[:, None], *attended)[:, 0]
            outputs.append(fed)
        return torch.stack(outputs, dim=1)


def training(turns: Turns) -> None:
    """Train; the batches are laid out as tensors beforehand."""
    job = turns.job
    text = json.loads(Path(job.text).read_text("utf-8"))
    batches = [_batch(text["train"], places, text["special"]) for places in text["train"]["batches"]]
    model = Model(job.architecture)
    parameters = list(model.parameters())
    # nn.LSTM has two biases per gate.
    biases = sum(columns for part in ("encoder", "decoder") for _, columns in job.architecture.matrices[part])
    size = sum(parameter.numel() for parameter in parameters)
    if size != job.architecture.parameters + biases:
        raise RuntimeError(f"Another model: {size:,} parameters, not {job.architecture.parameters + biases:,}.")
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)
    updates = Updates(turns)
    for batch in itertools.cycle(batches):
        with autocast(job.precision):
            loss = model(batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        updates.done(len(batch["target_out"]))


def _batch(train: dict, places: list[int], special: dict) -> dict[str, torch.Tensor]:
    pad, start, end = special["pad"], special["start"], special["end"]
    places = sorted(places, key=lambda place: -len(train["source"][place]))
    source = [torch.tensor([*train["source"][place], end]) for place in places]
    target_in = pad_sequence([torch.tensor([start, *train["target"][place]]) for place in places], padding_value=pad)
    target_out = pad_sequence(
        [torch.tensor([*train["target"][place], end]) for place in places], True, padding_value=pad
    ).flatten()
    real = (target_out != pad).nonzero()[:, 0]
    padded = pad_sequence(source, padding_value=pad)
    return {
        "source": padded,
        "source_lengths": torch.tensor([len(ids) for ids in source]),
        "source_mask": (padded != pad).t(),
        "target_in": target_in,
        "target_places": real,
        "target_out": target_out[real],
    }


@torch.inference_mode()
def decoding(turns: Turns) -> None:
    """Decode all test sentences without input feeding, plain masks, `</s>` made impossible."""
    job = turns.job
    text = json.loads(Path(job.text).read_text("utf-8"))
    special, test = text["special"], text["test"]
    model = Model(job.architecture).eval()
    model.logits.bias[special["end"]] = -1e9
    model = _in_precision(model, job.precision)
    sources = [[torch.tensor([*test["source"][place], special["end"]]) for place in batch] for batch in test["batches"]]
    batches = [pad_sequence(batch, padding_value=special["pad"]) for batch in sources]
    sentences = len(test["source"])
    works = {}
    for beam in job.beams:
        search = Search(model, beam, job.steps, special)
        works[f"beam {beam}"] = sentences, functools.partial(_one_by_one, search, batches)
        tuned = _tuned(search) if job.precision == "float32" else search
        works[f"beam {beam}, tuned"] = sentences, functools.partial(_two_at_a_time, tuned, batches)
    turns.repeat(works)


def _in_precision(model: Model, precision: str) -> Model:
    """Weights in float32 or bfloat16; or in int8, with PyTorch's dynamic quantisation of all LSTM and linear layers."""
    if precision == "int8":
        return torch.ao.quantization.quantize_dynamic(model, {nn.LSTM, nn.Linear}, dtype=torch.qint8)
    return model.to(getattr(torch, precision))


def _one_by_one(search: "Search", batches: list[torch.Tensor]) -> None:
    for source in batches:
        search.run(source)


def _two_at_a_time(search: "Search", batches: list[torch.Tensor]) -> None:
    """What hardly anyone writes: batches side by side, each on half of the threads."""
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(max(1, threads // 2),)) as pool:
        list(pool.map(torch.inference_mode()(search.run), batches))
    torch.set_num_threads(threads)


def _tuned(search: "Search") -> "Search":
    """And the largest product with the weights laid out for oneDNN, which has that for float32 inference only."""
    tuned = copy.copy(search)
    tuned.logits = MkldnnLinear(search.model.logits, torch.float)
    return tuned


class Search:
    """Greedy and beam search; the memory is never repeated.

    Args:
        model: The model.
        beam: Hypotheses per sentence.
        steps: The most steps.
        special: Ids by name.
    """

    def __init__(self, model: Model, beam: int, steps: int, special: dict) -> None:
        self.model, self.beam, self.steps, self.special = model, beam, steps, special
        self.logits = model.logits

    def run(self, source: torch.Tensor) -> torch.Tensor:
        """Translate sources `[source_time, batch]`: the best hypothesis of each, `[batch, steps]`."""
        model, beam = self.model, self.beam
        memory, state = model.encoder(model.source_embedding(source))
        attended = model.prepare(memory, (source != self.special["pad"]).t())
        batch = source.shape[1]
        state = tuple(part.repeat_interleave(beam, dim=1) for part in model.bridge(state))
        tokens = torch.full([batch * beam], self.special["start"])
        history = torch.empty([batch * beam, 0], dtype=torch.long)
        # The first step has one hypothesis per sentence.
        scores = torch.full([batch, beam], -1e30)
        scores[:, 0] = 0
        ended = torch.zeros([batch * beam], dtype=torch.bool)
        rows = torch.arange(batch)[:, None] * beam
        for _ in range(self.steps):
            # One step of nn.LSTM: faster than a cell of one's own, because oneDNN does its products.
            hidden, state = model.decoder(model.target_embedding(tokens)[None], state)
            outputs = model.attend(hidden.view(batch, beam, -1), *attended).view(batch * beam, -1)
            logits = self.logits(outputs)
            if beam == 1:
                tokens = logits.argmax(dim=1).masked_fill_(ended, self.special["pad"])
                history = torch.cat([history, tokens[:, None]], dim=1)
            else:
                # The best of the beam are among the best of each hypothesis.
                best, words = logits.log_softmax(dim=1, dtype=torch.float32).topk(beam, dim=1)
                best.masked_fill_(ended[:, None], -1e30)
                best[:, 0].masked_fill_(ended, 0)
                totals = (scores[:, :, None] + best.view(batch, beam, beam)).view(batch, -1)
                scores, places = totals.topk(beam, dim=1)
                parents = (rows + places // beam).flatten()
                tokens = words.view(batch, -1).gather(1, places).flatten()
                state = tuple(part.index_select(1, parents) for part in state)
                history = torch.cat([history.index_select(0, parents), tokens[:, None]], dim=1)
                ended = ended.index_select(0, parents)
            ended = ended | (tokens == self.special["end"])
            if ended.all():
                raise RuntimeError(f"Every sentence takes {self.steps} steps. Received: {history.shape[1]}.")
        return history.view(batch, beam, -1)[:, 0]


if __name__ == "__main__":
    main()
