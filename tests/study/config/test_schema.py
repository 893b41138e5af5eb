"""The schemas that editors read say what the files may hold, as the reading does."""

import jsonschema
import pytest
import yaml

from study.config.grid import CONFIGS, known_names
from study.config.schema import grid_schema, schema_files, search_schema

FILES = {
    **dict.fromkeys(known_names(), ("grid", grid_schema)),
    **dict.fromkeys(known_names(search=True), ("search", search_schema)),
}


@pytest.mark.parametrize("name", ["grid.schema.json", "search.schema.json"])
def test_the_schemas_in_git_are_those_of_the_configuration(name):
    again = "the configuration has changed: run python -m study.config.schema, and commit"
    assert (CONFIGS / name).read_text() == schema_files()[name], again


@pytest.mark.parametrize("name", FILES)
def test_every_file_that_ships_fits_its_schema_and_names_it(name):
    kind, schema = FILES[name]
    text = (CONFIGS / f"{name}.yaml").read_text()
    jsonschema.validate(yaml.safe_load(text), schema())
    assert text.startswith(f"# yaml-language-server: $schema={kind}.schema.json\n")


@pytest.mark.parametrize("schema", [grid_schema(), search_schema()])
def test_the_schemas_are_schemas(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


def fits(schema, **content):
    return jsonschema.Draft202012Validator(schema).is_valid(content)


def test_a_grid_holds_values_axes_and_a_union():
    grid = grid_schema()
    assert fits(grid, beta=1, latent_dim=[3, 5], compile="auto", data="mine:pictures")
    assert fits(grid, union=[{"beta": [1, 2]}, {"beta": 4.5}])
    assert fits(grid, metrics=["mine:ONE"])
    assert not fits(grid, metrics=["mig"])
    assert not fits(grid, bets=1)
    assert not fits(grid, beta=-1)
    assert not fits(grid, beta=[])
    assert not fits(grid, hidden=[400, 400])
    assert fits(grid, hidden=[400, [500, 200]])
    assert not fits(grid, hidden=[[]])
    assert fits(grid, objective="annealed", capacity=[5, 25.5])
    assert not fits(grid, conditioning="labels")
    assert not fits(grid, union=[{"union": []}])


def test_a_search_has_a_space_objectives_and_a_budget():
    search, space = search_schema(), {"beta": {"low": 1, "high": 4, "log": True}}
    need = {"space": space, "objectives": ["mig"], "budget": {"trials": 4}}
    assert fits(search, **need)
    assert fits(search, **need, seed=[0, 1], epochs=3, pruner="asha", metrics=["mine:ONE"])
    assert not fits(search, space=space, objectives=["mig"])
    assert not fits(search, **need, epochs=[1, 2])
    assert not fits(search, **{**need, "budget": {}})
    assert not fits(search, **{**need, "space": {"epochs": [1, 2]}})
    assert not fits(search, **{**need, "space": {"conditioning": {"low": 1, "high": 2}}})
