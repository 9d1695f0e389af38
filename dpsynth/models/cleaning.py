"""Means and covariances out of noisy sums: what noise explains is taken out of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dpsynth.privacy.spectrum import Spectrum

EVEN = 0.1  # of a covariance that is put evenly over each colour and octave


def cleaned_counts(found: Sequence[np.ndarray], total: float) -> np.ndarray:
    """(classes,) pictures of each, all above nothing; they add up to the known number of all.

    Args:
        found: noisy counts, or nothing where all pictures are of one class.
        total: public.
    """
    if not found:
        return np.array([total])
    held = np.maximum(found[0], 0.0) + 1.0
    return np.asarray(held * total / held.sum())


def settled(
    sums: np.ndarray, counts: np.ndarray, noise_sd: float, spectrum: Spectrum
) -> np.ndarray:
    """(classes, width) means of classes, each drawn to that of all by as much as noise explains.

    In each colour and octave of frequencies, by the positive part of James and Stein's factor: a
    class whose difference is no longer than its noise is has the mean of all there.

    Args:
        sums: (classes, width), with noise.
        counts: (classes,) pictures of each.
        noise_sd: of one cell of `sums`.
        spectrum: which number is of which colour and frequency.
    """
    level = spectrum.even(sums)
    everyone = level.sum(axis=0) / counts.sum()
    apart = level / counts[:, None] - everyone
    for band in np.unique(spectrum.bands):
        here = spectrum.bands == band
        length = (apart[:, here] ** 2).sum(axis=1)
        noise = max(spectrum.freedom(here) - 2, 0) * (noise_sd / counts) ** 2
        factor = np.maximum(1 - noise / np.maximum(length, 1e-300), 0.0)
        apart[:, here] *= factor[:, None]
    return np.asarray(everyone + apart)


def roots(
    moments: np.ndarray,
    means: np.ndarray,
    counts: np.ndarray,
    noise_sd: float,
    spectrum: Spectrum,
) -> np.ndarray:
    """(classes, width, width) square roots of clean covariances, with orthogonal columns.

    Args:
        moments: (classes, width, width) noisy sums of z z', symmetric.
        means: (classes, width) of z.
        counts: (classes,) pictures of each.
        noise_sd: of one cell of `moments` off the diagonal, before turned pictures count too.
        spectrum: which number is of which colour and frequency.
    """
    even = spectrum.even_products(moments)
    each = even / counts[:, None, None] - means[:, :, None] * means[:, None, :]
    weight = counts / counts.sum()
    all_noise = noise_sd * len(counts) ** 0.5 / counts.sum()
    common = explained(np.tensordot(weight, each, axes=1), all_noise, spectrum)
    made = []
    for place in range(len(counts)):
        noise = noise_sd / counts[place] * (1 - weight[place]) ** 0.5
        apart = explained(each[place] - common, noise, spectrum)
        values, vectors = np.linalg.eigh(covariance(common + apart, spectrum))
        made.append(vectors * np.sqrt(np.maximum(values, 0.0)))
    return np.stack(made)


def explained(apart: np.ndarray, noise_sd: float, spectrum: Spectrum) -> np.ndarray:
    """What noise does not explain of a covariance, or of how a class's differs from that of all.

    First the mean variance of each colour and octave, which noise hardly moves; then what is
    left in each block of two of them. Each is drawn to nothing by James and Stein's factor.

    Args:
        apart: (width, width), symmetric, with noise.
        noise_sd: of one cell off the diagonal; on it the noise's variance is twice that.
        spectrum: which number is of which colour and frequency.
    """
    left, found = apart.copy(), np.zeros_like(apart)
    bands = [spectrum.bands == band for band in np.unique(spectrum.bands)]
    for here in bands:
        cells, n = np.diag(here), here.sum()
        mean = apart[cells].mean()
        noise = 2 * noise_sd**2 * spectrum.freedom(here) / n**2
        left[cells] -= mean
        found[cells] += mean * max(1 - noise / max(mean**2, 1e-300), 0.0)
    for one in bands:
        for other in bands:
            block = np.ix_(one, other)
            seen = float((left[block] ** 2).sum())
            noise = noise_sd**2 * spectrum.freedom_of_products(one, other)
            if one is other:
                noise += noise_sd**2 * spectrum.freedom(one)
            found[block] += left[block] * max(1 - noise / max(seen, 1e-300), 0.0)
    return found


def covariance(noisy: np.ndarray, spectrum: Spectrum) -> np.ndarray:
    """The nearest covariance whose trace is that of a noisy one, evened out a little.

    Noise spreads eigenvalues about their places: those below a level are nothing, the others
    are lowered by it, so that all of them add up to the trace, which noise hardly moves. Then
    `EVEN` of it is put evenly over the numbers of each colour and octave: a direction without
    variance is a kind of picture that is never drawn, and whose every real example surprises a
    diffusion about the Gaussian without end.

    Shape:
        noisy: (width, width), symmetric; return: (width, width)
    """
    values, vectors = np.linalg.eigh(noisy)
    trace = max(float(np.trace(noisy)), 1e-6 * len(noisy))
    falling = np.sort(values)[::-1]
    level = (np.cumsum(falling) - trace) / np.arange(1, len(values) + 1)
    last = np.flatnonzero(falling > level)[-1]
    near = (vectors * np.maximum(values - level[last], 0.0)) @ vectors.T
    even = np.zeros(len(noisy))
    for band in np.unique(spectrum.bands):
        here = spectrum.bands == band
        even[here] = np.diag(near)[here].mean()
    return np.asarray((1 - EVEN) * near + EVEN * np.diag(even))
