"""The notebook of the docs, executed from its first cell to its last."""

import nbformat
import pandas as pd
from documented import ROOT
from nbclient import NotebookClient


def test_the_notebook_runs_from_training_to_a_plot_of_ones_own(tmp_path, mnist):
    notebook = nbformat.read(ROOT / "docs" / "guides" / "first-study.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=500, resources=place).execute()
    outputs = [cell.get("outputs", []) for cell in notebook.cells]
    pictures = [out for cell in outputs for out in cell if "image/png" in out.get("data", {})]
    assert len(pictures) == 3
    assert (tmp_path / "results" / "first" / "report.html").exists()
    assert len(pd.read_parquet(tmp_path / "results" / "first" / "ranking.parquet")) == 2
