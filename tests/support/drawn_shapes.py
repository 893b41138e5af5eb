"""Shapes of known measurements, as anti-aliased images."""

import numpy as np

FINE = (np.arange(28 * 16) + 0.5) / 16  # places in the image, in pixels, sixteen to a pixel
COLUMN, ROW = np.meshgrid(FINE - 14, FINE - 14)


def render(inside):
    """A shape given on the fine grid as an anti-aliased image, (1, 28, 28)."""
    coverage = inside.reshape(28, 16, 28, 16).mean(axis=(1, 3))
    return np.round(255 * coverage).astype(np.uint8)[None]


def bar(width, slant=0.0):
    """20 px high, leaning right by `slant`."""
    return render((abs(ROW) < 10) & (abs(COLUMN + np.tan(slant) * ROW) < width / 2))


def ring(thickness, radius=8):
    return render(abs(np.hypot(COLUMN, ROW) - radius) < thickness / 2)
