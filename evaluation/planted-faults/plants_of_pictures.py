"""The faults that are planted in pictures, and who is meant to see each."""

from __future__ import annotations

import numpy as np
from planting import Plant, Sow, by, in_copy, of_training, pictures, static, turned

from dpsynth.data.records import Records

Rng = np.random.Generator
WIDTH = 500  # patients of each set


def blurred(records: Records, rng: Rng) -> Records:
    """Each pixel is the mean of the nine about it."""
    shown = _shown(records)
    wide = np.pad(shown, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    size = shown.shape[1]
    near = [wide[:, i : i + size, j : j + size] for i in range(3) for j in range(3)]
    return pictures(records, np.mean(near, axis=0))


def grainy(records: Records, rng: Rng) -> Records:
    """Each pixel has noise of a sixth of black to white."""
    shown = _shown(records)
    return pictures(records, shown + rng.normal(0, 40, shown.shape))


def brighter(records: Records, rng: Rng) -> Records:
    """All shades are 15 of 255 brighter."""
    return pictures(records, _shown(records) + 15)


def upside_down(records: Records, rng: Rng) -> Records:
    """Pictures stand on their heads."""
    return pictures(records, _shown(records)[:, ::-1])


def kinds_exchanged(records: Records, rng: Rng) -> Records:
    """Who is ill has the label of the healthy, and the other way round."""
    return static(records, pneumonia=turned(records.static["pneumonia"]))


def two_pictures(records: Records, rng: Rng) -> Records:
    """All pictures of a class are one of them, and a few shades of noise."""
    shown, label = _shown(records), records.static["pneumonia"].to_numpy()
    first = {each: np.flatnonzero(label == each)[0] for each in np.unique(label)}
    repeated = shown[[first[each] for each in label]]
    return pictures(records, repeated + rng.normal(0, 1, shown.shape))


def as_they_are(records: Records, rng: Rng) -> Records:
    """Nothing is changed."""
    return records


def mirrored(records: Records, rng: Rng) -> Records:
    """Left is right."""
    return pictures(records, _shown(records)[:, :, ::-1])


def shifted(records: Records, rng: Rng) -> Records:
    """One pixel down, one to the right."""
    return pictures(records, np.roll(_shown(records), (1, 1), axis=(1, 2)))


def _shown(records: Records) -> np.ndarray:
    assert records.pictures is not None
    return records.pictures.astype(float)


def plant(sow: Sow, *metrics: str, group: str | None = None) -> Plant:
    """A plant in pictures."""
    return Plant(sow=sow, seen_by=by(*metrics, group=group), world="scans", patients=WIDTH)


PLANTS_OF_PICTURES: dict[str, Plant] = {
    "blurred pictures": plant(in_copy(blurred), "kid", "frechet"),
    "grainy pictures": plant(in_copy(grainy), "picture_precision", "picture_density"),
    "brighter pictures": plant(in_copy(brighter), "shade_tv"),
    "pictures upside down": plant(in_copy(upside_down), "mean_picture_distance"),
    "kinds of pictures exchanged": plant(in_copy(kinds_exchanged), "picture_tstr_auc"),
    "one kind of pictures wrong": plant(
        in_copy(kinds_exchanged), "class_kid", group="pneumonia true"
    ),
    "a picture for each class": plant(
        in_copy(two_pictures), "picture_diversity", "picture_recall", "picture_coverage"
    ),
    "pictures copied": plant(
        of_training(as_they_are), "near_ratio", "near_ratio_features", "inversion"
    ),
    "pictures copied and mirrored": plant(of_training(mirrored), "near_ratio_moved"),
    "4 % of pictures copied and shifted": plant(of_training(shifted, 0.04), "picture_copies"),
}
