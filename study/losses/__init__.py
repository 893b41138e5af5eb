"""The terms of the objectives; the only place beta enters."""
