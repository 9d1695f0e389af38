"""CTGAN on records flattened over time: a reference without privacy."""

from __future__ import annotations

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.references.frames import flat, unflat, usual_codes
from dpsynth.evaluation.references.library import metadata, sdv, seeded


def ctgan(
    real: Tokens, codec: Codec, patients: int, *, seed: int = 0, epochs: int | None = None
) -> Tokens:
    """SDV's CTGAN, with its own settings, on one row of codes per patient. No privacy.

    See `Reference` for arguments and errors.

    Reference: Xu et al., Modeling tabular data using conditional GAN, NeurIPS 2019.
    """
    frame = flat(real, codec)
    chosen = {} if epochs is None else {"epochs": epochs}
    with seeded(seed):
        model = sdv("single_table").CTGANSynthesizer(
            metadata([str(name) for name in frame]), enable_gpu=False, **chosen
        )
        model.fit({"rows": frame})
        made = model.sample(patients)["rows"]
    return unflat(made, codec, usual_codes(real, codec))
