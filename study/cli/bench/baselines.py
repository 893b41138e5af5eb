"""How a VAE is usually trained, and the least that a step can take: what the engine is held to."""

import itertools
import tempfile
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from study.config.run import RunConfig
from study.data.shipped.mnist import N_PIXELS, SHAPE
from study.data.splits import random_data
from study.models import build_model

IMAGES = 10_000
Step = Callable[[], object]


class _Items(Dataset[Tensor]):
    """Items as torchvision.datasets.MNIST makes them: array -> PIL image -> ToTensor."""

    def __init__(self) -> None:
        from torchvision.transforms import ToTensor

        self._images = torch.from_numpy(random_data(SHAPE, IMAGES, 1).train_images)
        self._transform = ToTensor()

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        return self._transform(Image.fromarray(self._images[index].numpy()))  # type: ignore[no-any-return]


def usual() -> Step:
    """As most tutorials write it: DataLoader, ToTensor, sigmoid and BCE, autograd, .item()."""
    loader = DataLoader(_Items(), batch_size=100, shuffle=True)
    model = build_model(RunConfig(), SHAPE)
    optimiser = torch.optim.Adagrad(model.parameters(), lr=0.01)
    stream = itertools.chain.from_iterable(itertools.repeat(loader))

    def step() -> float:
        pixels = next(stream).view(-1, N_PIXELS)
        optimiser.zero_grad()
        mean, logvar = model.encode(pixels)
        latent = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        recon = F.binary_cross_entropy(torch.sigmoid(model.decode(latent)), pixels, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
        loss = (recon + kl) / len(pixels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return loss.item()

    return step


def in_memory(bf16: bool) -> Step:
    """Autograd over tensors in memory, BCE on logits, torch's fused Adagrad."""
    model = build_model(RunConfig(), SHAPE)
    optimiser = torch.optim.Adagrad(model.parameters(), lr=0.01, fused=True)
    images = torch.from_numpy(random_data(SHAPE, IMAGES, 1).train_images).view(-1, N_PIXELS)
    order = itertools.chain.from_iterable(
        torch.randperm(IMAGES).view(-1, 100) for _ in itertools.repeat(None)
    )

    def step() -> None:
        pixels = images.index_select(0, next(order)).float() / 255
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            terms = model(pixels, torch.randn(100, 10))
        cost = terms.recon.mean() + terms.kl.mean()
        cost.backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def floor(kind: torch.dtype) -> Step:
    """Nothing but the step's eleven matrix products and the optimiser."""
    model = build_model(RunConfig(), SHAPE)
    optimiser = torch.optim.Adagrad(model.parameters(), lr=0.01, fused=True)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)
    products: list[tuple[Tensor, Tensor]] = []
    for index, layer in enumerate(m for m in model.modules() if isinstance(m, nn.Linear)):
        inputs = torch.randn(100, layer.in_features).to(kind)
        outputs = torch.randn(100, layer.out_features).to(kind)
        weight = layer.weight.detach().to(kind)
        products += [(inputs, weight.T), (outputs.T, inputs)]
        products += [(outputs, weight)] if index else []  # images need no gradient

    def step() -> None:
        for one, other in products:
            one @ other
        optimiser.step()

    return step


def pythae() -> Step | None:
    """pythae's own VAE, trainer and dataset, with our layers and optimiser; None where absent."""
    try:
        from pythae.data.datasets import BaseDataset
        from pythae.trainers import BaseTrainer, BaseTrainerConfig
    except ImportError:
        return None
    settings = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(prefix="vae-study-pythae-"),
        num_epochs=1,
        learning_rate=0.01,
        per_device_train_batch_size=100,
        optimizer_cls="Adagrad",
        no_cuda=True,
    )
    images = torch.from_numpy(random_data(SHAPE, IMAGES, 1).train_images).view(-1, N_PIXELS)
    data = BaseDataset(images.float() / 255, torch.zeros(IMAGES))
    trainer = BaseTrainer(_pythae_model(), data, training_config=settings)
    trainer.prepare_training()
    trainer.callback_handler.callbacks = []  # no progress bar; this favours pythae
    stream = itertools.chain.from_iterable(itertools.repeat(trainer.train_loader))

    def step() -> float:  # the body of BaseTrainer.train_step
        output = trainer.model(next(stream), epoch=1, dataset_size=IMAGES, uses_ddp=False)
        trainer._optimizers_step(output)
        trainer.callback_handler.on_train_step_end(training_config=settings)
        return float(output.loss.item())

    return step


def _pythae_model() -> Any:
    """pythae's VAE around our encoder and decoder."""
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    ours = build_model(RunConfig(), SHAPE)

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.vae = ours

        def forward(self, x: Tensor) -> Any:
            mean, logvar = self.vae.encode(x)
            return ModelOutput(embedding=mean, log_covariance=logvar)

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.vae = ours

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=torch.sigmoid(self.vae.decode(z)))

    config = VAEConfig(input_dim=(N_PIXELS,), latent_dim=10, reconstruction_loss="bce")
    return VAE(config, Encoder(), Decoder())
