"""The questions of docs/beyond.md, answered from the tables of its studies."""
