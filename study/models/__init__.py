"""Networks, priors and likelihoods; what a configuration builds."""
