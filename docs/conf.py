import inspect
import re
import sys
from pathlib import Path

from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.inspect import stringify_signature

from seq2seq import __version__, quiet

quiet()
sys.path.insert(0, str(Path(__file__).parent))  # our own extensions

project = "seq2seq"
author = "the seq2seq authors"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "command_line",
    "date_forms",
    "demos",
    "exports",
    "settings_table",
    "reading",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"seq2seq {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["extra", *(["_build/demos"] if (Path(__file__).parent / "_build" / "demos").is_dir() else [])]
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# A word in single backticks in a docstring is code, as everywhere else in the project.
default_role = "code"
napoleon_use_ivar = True
napoleon_custom_sections = [("Call arguments", "params_style"), "Source"]
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
# What overrides a method of Keras without a word of its own is documented by Keras, in another markup.
autodoc_inherit_docstrings = False
python_use_unqualified_type_names = True

# Our own names must resolve (the build is nitpicky); those of other packages have no inventory without a network.
nitpick_ignore_regex = [
    (r"py:.*", r"(argparse|asyncio|collections|datetime|logging|pathlib|socket|types|typing)\..*"),
    (r"py:.*", r"(datasets|keras|np|numpy|prometheus_client|sentencepiece|starlette|tensorflow|tf)\..*"),
    (r"py:class", r"seq2seq\..*\.(_\w+|Choice)"),  # type variables
    (r"py:class", r"inf"),  # the bound of a range in an annotation
]


def _returns(docstring, preprocess_types=False):
    lines = docstring._dedent(docstring._consume_to_next_section())
    return [("", "", lines)] if lines else []


def _attribute(docstring):
    return "", docstring._dedent(docstring._consume_to_end())


# Types stand in our signatures: a colon in the text of a return value or an attribute does not end a type.
GoogleDocstring._consume_returns_section = _returns
GoogleDocstring._consume_inline_attribute = _attribute


def _signature(app, what, name, object_, options, signature, returns):
    if signature == "(*args, **kwargs)":
        # Keras makes its objects in a __new__ that takes anything: what is said to people stands in __init__.
        parameters = list(inspect.signature(object_.__init__).parameters.values())[1:]
        signature = stringify_signature(inspect.Signature(parameters), unqualified_typehints=True)
    # A dataclass' default_factory is printed as something that is no Python, and the annotations around it get lost.
    signature = signature and signature.replace("<factory>", "...")
    # What numbers and texts a setting takes stands in the table of settings.
    return signature and re.sub(r"Annotated\[(\w+), (?:Range|Matching)\([^()]*\)\]", r"\1", signature), returns


def _skip(app, what, name, object_, skip, options):
    # The fields of a named tuple are documented by its class; by themselves they say "Alias for field number 0".
    return True if type(object_).__name__ == "_tuplegetter" else None


def setup(app):
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skip)
