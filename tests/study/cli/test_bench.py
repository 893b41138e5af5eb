from study.cli.bench import parts
from study.cli.bench.measure import take_turns
from study.config.run import RunConfig
from study.losses.objectives import OBJECTIVES
from study.models.networks import NETWORKS


def test_every_alternative_differs_from_the_default_run_in_its_part():
    runs = parts.alternatives()
    assert runs["default"] == RunConfig()
    named = [name for name in runs if name != "default"]
    for name in named:
        key, value = name.split(": ")
        assert getattr(runs[name], key) == value != getattr(RunConfig(), key)
    expected = {f"network: {name}" for name in NETWORKS} | {f"objective: {o}" for o in OBJECTIVES}
    assert set(named) >= expected - {"network: mlp", "objective: beta"}


def test_turns_alternate_and_leave_out_the_steps_that_warm_up():
    calls = []
    loops = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = take_turns(loops, seconds=0, burst=2)
    assert calls == ["a"] * 5 + ["b"] * 5
    assert {name: len(values) for name, values in times.items()} == {"a": 1, "b": 1}


def test_a_larger_network_costs_more(monkeypatch):
    runs = {"default": RunConfig(hidden=10), "larger": RunConfig(hidden=2000)}
    monkeypatch.setattr(parts, "alternatives", lambda: runs)
    monkeypatch.setattr(parts, "SECONDS", 0.5)
    costs = parts.costs()
    assert costs["to_default"]["default"] == 1
    assert costs["to_default"]["larger"] > 1.5
