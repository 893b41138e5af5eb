"""What an objective is: a batch's named terms and its weights -> what training minimises.

An objective is a function `(terms, weights) -> cost`:

- `terms`, by name. Means over the batch in nats per image, (...,): `recon`, -log p(x|z), and `kl`,
  KL(q(z|x) || p(z)), unweighted. By image, (..., batch, latent_dim): `mean` and `logvar` of the
  posterior, `latent`, a sample of it, and `noise`, which made that sample. One number for all, ():
  `step`, how many steps were taken before this one, and `n_images`, how many training images there
  are. Where the objective has a discriminator, its `logit` of every sample, (..., batch). The
  leading axes are those of a pack; often none;
- `weights`, by name, tensors of the leading axes: what the run's configuration gives of `beta`,
  `gamma`, `capacity` with `capacity_steps`, and `lambda_od`;
- the cost has the leading axes, (...,).
"""

from collections.abc import Callable, Mapping

from torch import Tensor

Terms = Mapping[str, Tensor]
Objective = Callable[[Terms, Terms], Tensor]
