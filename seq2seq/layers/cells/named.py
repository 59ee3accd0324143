"""A cell by its name or its configuration, and back."""

from typing import Any

import keras

from seq2seq.layers.cells import CELLS
from seq2seq.layers.cells.cell import Cell
from seq2seq.system.choices import choose

# What `Cell` declares and has no value for.
_OF_CELL = [name for name in Cell.__annotations__ if name not in vars(Cell)]


def cell_named(cell: str | Cell | dict[str, Any]) -> Cell:
    """Give a cell by its name, by its saved configuration, or as it is.

    Raises:
        ValueError: There is no cell of this name, or it is no cell or an unfinished one.

    Example:
        >>> cell_named("lstm").part_names
        ('hidden', 'cell')
    """
    if isinstance(cell, str):
        return choose("cell", cell, CELLS)()
    made = keras.saving.deserialize_keras_object(cell) if isinstance(cell, dict) else cell
    if not isinstance(made, Cell):
        raise ValueError(f"cell is a name, one of {', '.join(sorted(CELLS))}, or a Cell. Received: cell={cell!r}.")
    missing = [name for name in _OF_CELL if name not in dir(made)]
    if missing:
        raise ValueError(
            f"A cell says {', '.join(_OF_CELL)} in its class, as seq2seq.layers.Cell describes them. "
            f"Received: {type(made).__name__}, without {', '.join(missing)}. Add them."
        )
    return made


def cell_config(cell: Cell) -> Any:
    """Give what `cell_named` makes the same cell of: the name of one of ours, the configuration of another."""
    known = CELLS.get(cell.name) is type(cell)
    return cell.name if known else keras.saving.serialize_keras_object(cell)
