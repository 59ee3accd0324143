"""A cell by its name or its configuration, and back."""

from typing import Any

import keras

from seq2seq.layers.cells import CELLS
from seq2seq.layers.cells.cell import Cell
from seq2seq.system.choices import choose


def cell_named(cell: str | Cell | dict[str, Any]) -> Cell:
    """Give a cell by its name, by its saved configuration, or as it is.

    Raises:
        ValueError: There is no cell of this name, or it is no cell.

    Example:
        >>> cell_named("lstm").part_names
        ('hidden', 'cell')
    """
    if isinstance(cell, str):
        return choose("cell", cell, CELLS)()
    made = keras.saving.deserialize_keras_object(cell) if isinstance(cell, dict) else cell
    if isinstance(made, Cell):
        return made
    raise ValueError(f"cell is a name, one of {', '.join(sorted(CELLS))}, or a Cell. Received: cell={cell!r}.")


def cell_config(cell: Cell) -> Any:
    """Give what `cell_named` makes the same cell of: the name of one of ours, the configuration of another."""
    known = CELLS.get(cell.name) is type(cell)
    return cell.name if known else keras.saving.serialize_keras_object(cell)
