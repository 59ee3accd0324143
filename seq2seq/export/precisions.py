"""How the weights of an export are kept."""

PRECISIONS = {
    "float32": "as they are",
    "float16": "half the size, computed in float32",
    "int8": "a quarter of the size and faster: products in whole numbers, by operations that onnxruntime has",
}
"""The ways by name."""
