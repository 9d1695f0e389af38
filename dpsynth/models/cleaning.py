"""Means and covariances out of noisy sums: what noise explains is taken out of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dpsynth.privacy.spectrum import Spectrum

EVEN = 0.3  # of a covariance that is put evenly over each colour and octave
NEAR = 2.0  # most that a class's variance differs from that of all in any direction


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
    seen = explained(np.tensordot(weight, each, axes=1), all_noise, spectrum)
    everyone = covariance(seen, spectrum)
    made = []
    for place in range(len(counts)):
        noise = noise_sd / counts[place] * (1 - weight[place]) ** 0.5
        apart = explained(each[place] - seen, noise, spectrum)
        values, vectors = np.linalg.eigh(within(everyone, seen + apart))
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
    """A covariance with some variance in every direction, of nearly the trace of a noisy one.

    Noise spreads eigenvalues about their places as far up as down. Those no farther above 0 than
    the lowest is below it can't be told from noise: they share what the others leave of the
    trace, which noise hardly moves. Those above are lowered by what noise adds to them (Benaych-
    Georges and Nadakuditi 2011, of a matrix of noise alone about one strong direction). At last
    `EVEN` of it is put evenly over the numbers of each colour and octave: a direction with too
    little variance is a kind of picture that is never drawn, and that a diffusion finds
    infinitely surprising.

    Shape:
        noisy: (width, width), symmetric; return: (width, width)
    """
    values, vectors = np.linalg.eigh(noisy)
    far = max(-values[0], 0.0)
    lost = values <= far
    clear = (values[~lost] + np.sqrt(values[~lost] ** 2 - far**2)) / 2
    least = 1e-3 * max(float(np.trace(noisy)), 1e-6) / len(noisy)
    clean = np.empty_like(values)
    clean[lost] = max((values.sum() - clear.sum()) / max(lost.sum(), 1), least)
    clean[~lost] = np.maximum(clear, least)
    made = (vectors * clean) @ vectors.T
    level = np.zeros(len(noisy))
    for band in np.unique(spectrum.bands):
        here = spectrum.bands == band
        level[here] = np.diag(made)[here].mean()
    return np.asarray((1 - EVEN) * made + EVEN * np.diag(level))


def within(everyone: np.ndarray, one: np.ndarray) -> np.ndarray:
    """The covariance nearest to `one` that is within a factor of `NEAR` of everyone's.

    In no direction has a class more than `NEAR` times the variance of all, or less than one in
    `NEAR` of it: of a rare class, noise would say much more.

    Shape:
        everyone: (width, width), positive; one: (width, width), symmetric
    """
    values, vectors = np.linalg.eigh(everyone)
    root, back = (vectors * values**power @ vectors.T for power in (0.5, -0.5))
    ratios, axes = np.linalg.eigh(back @ one @ back)
    held = np.clip(ratios, 1 / NEAR, NEAR)
    return np.asarray(root @ (axes * held) @ axes.T @ root)
