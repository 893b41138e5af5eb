"""Data sets: where they come from, their arrays, their splits."""

from study.data.dataset import DataError, Dataset, DataShape
from study.data.load import data_facts, describe_data, load_data, prepare_data

__all__ = [
    "DataError",
    "DataShape",
    "Dataset",
    "data_facts",
    "describe_data",
    "load_data",
    "prepare_data",
]
