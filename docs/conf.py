"""How the site is built: ``python -m sphinx -W -n docs docs/_build/html``. Nobody needs a network."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "pbxnb"
copyright = "the pbxnb developers"  # noqa: A001 - Sphinx' name
author = "the pbxnb developers"
release = version = version_of("pbxnb")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "executed",
    "fields",
    "names",
    "llms",
    "links",
    "resources",
]
exclude_patterns = ["_build", "_ext"]

html_theme = "furo"
html_title = "pbxnb"
html_static_path = ["_static"]
html_css_files = ["pbxnb.css"]
html_copy_source = False
html_show_sphinx = False

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Definition"]
napoleon_use_rtype = False
napoleon_use_ivar = True
default_role = "py:obj"  # `Name` in a docstring

nb_execution_mode = "off"  # _ext/executed.py runs the notebooks, once for each state of the code
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
nb_ipywidgets_js = {}
nb_merge_streams = True
