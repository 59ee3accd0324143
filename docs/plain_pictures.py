"""Draw the two pictures at the head of the README: python docs/plain_pictures.py."""

from pathlib import Path

from seq2seq import quiet
from seq2seq.models.canvas import LINE, Canvas
from seq2seq.system.picture import COLOURS, Picture

IMAGES = Path(__file__).parent / "images"
PICTURES = {
    "plain-per-layer": ("each from its own level", {"mode": "per_layer"}),
    "plain-first-only": ("only the first one, as in many examples", {"mode": "last_layer", "to": "first"}),
}
DEPTH = 3
_WIDE, _HIGH, _ROW = 112, 36, 56
_LEFT, _RIGHT, _WIDTH, _HEIGHT = 76, 344, 420, 246


def plain(title: str, bridge: dict[str, str]) -> Picture:
    """Draw three encoder layers, three decoder layers, and which starts which: two stacks, and nothing else."""
    from seq2seq import StateBridge

    routes = StateBridge([8] * DEPTH, **bridge).routes(DEPTH)
    canvas = Canvas()
    canvas.text(_WIDTH / 2, 22, title, size=15, bold=True)
    for x, name in ((_LEFT, "encoder"), (_RIGHT, "decoder")):
        canvas.text(x, 48, name, soft=True)
    for layer, sources in enumerate(routes):
        y = _y(layer)
        for x, colour in ((_LEFT, "forward"), (_RIGHT, "decoder")):
            canvas.box(x, y, _WIDE, _HIGH, colour, f"LSTM layer {layer}")
            if layer:
                canvas.arrow(x, _y(layer - 1) - _HIGH / 2, x, y + _HIGH / 2)
        start, end = _LEFT + _WIDE / 2, _RIGHT - _WIDE / 2
        for source in sources:
            middle = (start + end) / 2
            curve = f"M{start:g} {_y(source):g} C{middle:g} {_y(source):g} {middle:g} {y:g} {end - 6:g} {y:g}"
            canvas.path(curve, COLOURS[source], wide=2.4)
            canvas.head(end, y, 1, 0, COLOURS[source])
        if not sources:
            canvas.text(end - 62, y + 5, "zeros", size=14)
            canvas.path(f"M{end - 38:g} {y:g} H{end - 6:g}", LINE, wide=2)
            canvas.head(end, y, 1, 0, LINE)
    canvas.text(_LEFT, _HEIGHT - 10, "reads the source", soft=True)
    canvas.text(_RIGHT, _HEIGHT - 10, "writes the target", soft=True)
    told = "; ".join(
        f"decoder layer {layer} starts from " + (f"encoder layer {sources[0]}" if sources else "zeros")
        for layer, sources in enumerate(routes)
    )
    return canvas.picture(_WIDTH, _HEIGHT, title, f"{told}.")


def _y(layer: int) -> float:
    return 82 + (DEPTH - 1 - layer) * _ROW


if __name__ == "__main__":
    quiet()
    for name, (title, bridge) in PICTURES.items():
        (IMAGES / f"{name}.svg").write_text(plain(title, bridge), encoding="utf-8")
