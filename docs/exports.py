"""The public names of a package, with what their docstrings say, when the docs are built."""

import ast
import importlib
import inspect
from collections.abc import Mapping
from functools import cache

from docutils import nodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

PACKAGES = (
    "seq2seq.layers",
    "seq2seq.models",
    "seq2seq.text",
    "seq2seq.text.dates",
    "seq2seq.search",
    "seq2seq.metrics",
    "seq2seq.translation",
    "seq2seq.export",
    "seq2seq.runtime",
    "seq2seq.training",
    "seq2seq.distribution",
    "seq2seq.recipe",
    "seq2seq.runs",
    "seq2seq.serving",
    "seq2seq.analysis",
    "seq2seq.analysis.comparison",
    "seq2seq.analysis.report",
    "seq2seq.analysis.explanation",
    "seq2seq.analysis.diagnosis",
    "seq2seq.analysis.probes",
    "seq2seq.commands",
)
"""Every documented package: what these and `seq2seq` itself export is what the version covers."""


def names(package):
    """Give the public names of a package."""
    return [name for name in importlib.import_module(package).__all__ if name != "__version__"]


@cache
def home(package, name):
    """Find the module that defines what a package exports under a name."""
    for node in ast.walk(ast.parse(inspect.getsource(importlib.import_module(package)))):
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            return home(node.module, name)
    return package


def said_of_constant(package, name):
    """Give the text under a constant where it is defined, line by line; none where there is no word."""
    return ModuleAnalyzer.for_module(home(package, name)).find_attr_docs().get(("", name), [])


def said_of_parts(package, name):
    """Give a line for each part in a table of parts by name: the first of what it says of itself."""
    value = getattr(importlib.import_module(package), name)
    parts = value.items() if isinstance(value, Mapping) else ()
    return [f"- ``{key}``: {inspect.getdoc(part).splitlines()[0]}" for key, part in parts if _says(part)]


def _says(part):
    return inspect.isclass(part) or inspect.isroutine(part)


def is_constant(package, name):
    """Tell whether a name stands for no class and no function."""
    value = getattr(importlib.import_module(package), name)
    return not _says(value)


@cache
def public_places():
    """Give the place of every exported class and function, by its identity: that of the first package that has it."""
    places = {}
    for package in PACKAGES:
        for name in names(package):
            if not is_constant(package, name):
                places.setdefault(id(getattr(importlib.import_module(package), name)), f"{package}.{name}")
    return places


def entry(package, name):
    """Write the entry of a public name, for autodoc where it can be, as a link where another package has it."""
    value = getattr(importlib.import_module(package), name)
    if is_constant(package, name):
        said = [f"   {line}".rstrip() for line in said_of_constant(package, name)]
        parts = [f"   {line}" for line in said_of_parts(package, name)]
        return [f".. py:data:: {name}", "", *said, "", *parts, ""]
    kind = _kind(value)
    place = public_places()[id(value)]
    if place != f"{package}.{name}":
        return [f".. py:{kind}:: {name}", "   :no-index:", "", f"   The same as :py:obj:`{place}`.", ""]
    return [f".. auto{kind}:: {name}", ""]


def _kind(value):
    if not inspect.isclass(value):
        return "function"
    return "exception" if issubclass(value, BaseException) else "class"


class Exports(SphinxDirective):
    """``.. exports:: seq2seq.layers``: what the package is for, and every name that it exports."""

    required_arguments = 1

    def run(self):
        """Write one entry after the other, and write them again when a module of the package changes."""
        package = self.arguments[0]
        lines = [f".. automodule:: {package}", "   :no-members:", "", f".. currentmodule:: {package}", ""]
        listed = names(package)
        first = [name for name in listed if name in names("seq2seq")]
        for name in [*first, *(name for name in listed if name not in first)]:
            if first and name == next((other for other in listed if other not in first), None):
                lines += [".. rubric:: For tools and models of your own", ""]
            self.env.note_dependency(importlib.import_module(home(package, name)).__file__)
            lines += entry(package, name)
        return self.parse_text_to_nodes("\n".join(lines))


def resolve(app, env, node, contnode):
    """Lead the name by which a docstring knows something to its public place; what is internal stands as code.

    What is no name of the package at all stays unresolved, so that the build tells of it.
    """
    if node.get("refdomain") != "py":
        return None
    package = node.get("py:module")
    modules = [package, *sorted({home(package, name) for name in names(package)})] if package in PACKAGES else [package]
    for module in modules:
        value, rest = found(node["reftarget"], module)
        if value is not None:
            place = public_places().get(id(value))
            if place is None:
                return contnode
            domain, target = env.get_domain("py"), ".".join([place, *rest])
            shown = contnode.astext()
            if shown.rstrip("()") == node["reftarget"]:  # and no other words were given for it
                contnode = nodes.literal(text=shown.replace(node["reftarget"], target), classes=contnode["classes"])
            made = domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], target, node, contnode)
            return made or contnode
    return None


def found(target, module):
    """Find what a dotted name, written in a module, leads to: a class, a function or a module, and the rest of it."""
    parts = target.split(".")
    if parts[0] != "seq2seq":
        parts = [*(module or "").split("."), *parts]
    for cut in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        rest = parts[cut:]
        if rest:
            value, rest = getattr(value, rest[0], None), rest[1:]
        return (value, rest) if all(_has(value, name) for name in rest[:1]) else (None, [])
    return None, []


def _has(value, name):
    return hasattr(value, name) or name in getattr(value, "__annotations__", {})


def setup(app):
    """Make the directive and the search for public names known to Sphinx."""
    app.add_directive("exports", Exports)
    app.connect("missing-reference", resolve)
    return {"version": "1", "parallel_read_safe": True}
