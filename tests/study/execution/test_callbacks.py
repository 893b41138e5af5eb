"""What Tune's events leave behind: tests/system has the studies that they come from."""

from ray.tune.experiment import Trial

from study.execution.callbacks import Events


def test_a_trial_that_is_done_keeps_no_statistics():
    trial = Trial("any", config={"task": {"name": "J2"}}, stub=True)
    trial.run_metadata.update_metric("objective", 1.0, step=1)
    assert trial.metric_analysis
    assert trial.metric_n_steps
    Events(display=None, study_log=None, lock=None).on_trial_complete(1, [trial], trial)
    assert not trial.metric_analysis
    assert not trial.metric_n_steps
