"""What is measured: the architecture with its counts, and the job that a system gets. Standard library only."""

import dataclasses
import json
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Bidirectional LSTM encoder, LSTM decoder, Luong's general attention, untied embeddings.

    `encoder` holds units per direction. Both directions of an encoder layer side by side start the decoder layer of the
    same place, so that is how wide it is.
    """

    vocab: int = 8000
    embedding: int = 256
    encoder: tuple[int, ...] = (256, 256)
    decoder: tuple[int, ...] = (512, 512)
    input_feeding: bool = False
    dropout: float = 0.3  # of embeddings, between layers, and of outputs
    label_smoothing: float = 0.1

    @property
    def matrices(self) -> dict[str, list[tuple[int, int]]]:
        """The matrices of each part, rows × columns."""
        encoder, width = [], self.embedding
        for units in self.encoder:
            encoder += 2 * [(width + units, 4 * units)]
            width = 2 * units
        memory = width
        top = self.decoder[-1]
        decoder, width = [], self.embedding + (top if self.input_feeding else 0)
        for units in self.decoder:
            decoder.append((width + units, 4 * units))
            width = units
        return {
            "encoder": encoder,
            "decoder": decoder,
            "keys": [(memory, top)],
            "combine": [(memory + top, top)],
            "logits": [(top, self.vocab)],
        }

    @property
    def parameters(self) -> int:
        """Weights, with one bias per gate and per logit."""
        weights = sum(rows * columns for part in self.matrices.values() for rows, columns in part)
        biases = sum(columns for part in ("encoder", "decoder", "logits") for _, columns in self.matrices[part])
        return weights + biases + 2 * self.vocab * self.embedding

    def operations(self, lengths: Iterable[tuple[int, int]]) -> int:
        """Floating-point operations of a training step, real tokens only.

        A product with an r × c matrix is 2·r·c operations per token; the backward pass has two such products for each
        of the forward pass. Encoder and keys count per source token, the others per target token, and attention has two
        products over the memory per pair of a source and a target token. Gate arithmetic, softmax, embeddings and
        the optimizer are not counted, nor is padding: all of that is time without operations.

        Args:
            lengths: Source and target tokens of each pair, `</s>` counted.
        """
        pairs = list(lengths)
        source, target = (sum(pair[side] for pair in pairs) for side in (0, 1))
        both = sum(source * target for source, target in pairs)
        tokens = {"encoder": source, "keys": source, "decoder": target, "combine": target, "logits": target}
        products = sum(
            tokens[part] * rows * columns for part, sizes in self.matrices.items() for rows, columns in sizes
        )
        attention = both * (self.matrices["keys"][0][0] + self.decoder[-1])
        return 3 * 2 * (products + attention)


@dataclasses.dataclass(frozen=True)
class LayerSize:
    """An LSTM stack alone; inputs are as wide as a layer."""

    batch: int
    steps: int
    units: int
    layers: int

    def __str__(self) -> str:
        return f"{self.batch}×{self.steps}×{self.units}×{self.layers}"

    @property
    def operations(self) -> int:
        """Of forward and backward pass: three products of `[units + units, 4 · units]` per token and layer."""
        return 3 * 2 * self.batch * self.steps * self.layers * 2 * self.units * 4 * self.units


LAYER_SIZES = (
    LayerSize(64, 25, 512, 2),
    LayerSize(128, 30, 256, 2),
    LayerSize(64, 25, 1000, 4),
    LayerSize(64, 15, 128, 1),
)
CELL_SIZES = (LayerSize(64, 25, 512, 1), LayerSize(128, 30, 256, 1), LayerSize(64, 15, 128, 1))
MATRIX = 2048
"""The square product whose rate is the machine's."""


@dataclasses.dataclass(frozen=True)
class Point:
    """One point of a cost curve: batches of equal sentences through a model.

    Args:
        curve: What grows along the curve.
        value: How much of it there is here.
        architecture: Of the model.
        source_time: Tokens of every source.
        target_time: Tokens of every target; in decoding, steps.
        beam: Hypotheses per sentence; 0 for a training step.
    """

    curve: str
    value: int
    architecture: Architecture
    source_time: int = 16
    target_time: int = 16
    beam: int = 0


@dataclasses.dataclass(frozen=True)
class Job:
    """What one system does in one process.

    Args:
        system: Its name, that of a module of `tests.benchmarks.systems`.
        part: `"layer"`, `"cells"`, `"training"`, `"recipes"`, `"decoding"` or `"curves"`.
        precision: `"float32"`, `"bfloat16"` or, in decoding, `"int8"`.
        architecture: Of the whole model.
        text: File of ids, see `tests.benchmarks.text`.
        batch: Sentences.
        warm_up: Updates before the first that counts.
        updates: Updates per turn.
        beams: Beam sizes of decoding, 1 for greedy search.
        steps: Steps that every decoding takes, whatever the model says.
        sizes: Of the layer alone, or of a layer of every cell.
        points: Of the curves.
        recipe: A name of `tests.benchmarks.small.SMALL`.
        threads: Processors that may be used.
        scratch: A folder for files of this process.
    """

    system: str
    part: str
    precision: str = "float32"
    architecture: Architecture = Architecture()
    text: str = ""
    batch: int = 64
    warm_up: int = 20
    updates: int = 10
    beams: tuple[int, ...] = (1, 5)
    steps: int = 15
    sizes: tuple[LayerSize, ...] = ()
    points: tuple[Point, ...] = ()
    recipe: str = ""
    threads: int = 2
    scratch: str = ""

    def to_json(self) -> str:
        """Write the job in one line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Job":
        """Read what `to_json` wrote."""
        values = json.loads(line)
        values["architecture"] = _architecture(values["architecture"])
        values["beams"] = tuple(values["beams"])
        values["sizes"] = tuple(LayerSize(**size) for size in values["sizes"])
        values["points"] = tuple(
            Point(**{**point, "architecture": _architecture(point["architecture"])}) for point in values["points"]
        )
        return cls(**values)


def _architecture(values: dict) -> Architecture:
    return Architecture(**{**values, "encoder": tuple(values["encoder"]), "decoder": tuple(values["decoder"])})
