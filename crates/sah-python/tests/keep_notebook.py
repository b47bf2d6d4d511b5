"""Runs the notebook of the docs and keeps its outputs there: for whoever changes it."""

import tempfile

import nbclient
import nbformat
from test_notebook import NOTEBOOK

notebook = nbformat.read(NOTEBOOK, 4)
with tempfile.TemporaryDirectory() as folder:
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute()
for cell in notebook.cells:
    cell.metadata.pop("execution", None)
    # What was printed comes in pieces of any length.
    pieces = [output for output in cell.get("outputs", []) if output.output_type == "stream"]
    for piece in pieces[1:]:
        pieces[0].text += piece.text
        cell.outputs.remove(piece)
nbformat.write(notebook, NOTEBOOK)
