"""The lessons as Jupyter notebooks, made from their pages: python docs/notebooks.py FOLDER.

A block of Python is a cell, the text under it is its output, all else is read. The test of the docs runs the blocks and
compares the texts, so a notebook holds what has run.
"""

import json
import re
import sys
from base64 import b64encode
from pathlib import Path

DOCS = Path(__file__).parent
LESSONS = ("tutorials/first-translator", "tutorials/stacked-lstm")
_CELL = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]+\.svg)\)")
_RELATIVE = re.compile(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)")


def notebook(lesson):
    """Make the notebook of a lesson.

    Args:
        lesson: Its page, without ending.
    """
    page = DOCS / f"{lesson}.md"
    words, *rest = _CELL.split(page.read_text("utf-8"))
    cells = _read(words, page)
    for code, printed, words in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        cells += [_run(code, printed), *_read(words, page)]
    return {
        "cells": [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write(folder):
    """Write all of them into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for lesson in LESSONS:
        path = folder / f"{Path(lesson).name}.ipynb"
        path.write_text(json.dumps(notebook(lesson), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _run(code, printed):
    outputs = [{"output_type": "stream", "name": "stdout", "text": printed}] if printed else []
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": outputs,
        "source": code.rstrip("\n"),
    }


def _read(words, page):
    """Give the words between two cells, with their pictures inside, as a notebook has no files beside it."""
    words = re.sub(r"^%.*\n", "", words, flags=re.MULTILINE).strip()
    words = _IMAGE.sub(lambda found: f'<img alt="{found[1]}" src="{_data(page.parent / found[2])}">', words)
    words = _RELATIVE.sub(r"\1", words)
    return [{"cell_type": "markdown", "metadata": {}, "source": words}] if words else []


def _data(path):
    return f"data:image/svg+xml;base64,{b64encode(path.read_bytes()).decode()}"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
