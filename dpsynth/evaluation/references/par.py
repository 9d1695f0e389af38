"""PAR, a recurrent network over visits: a reference without privacy."""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.errors import InputError
from dpsynth.evaluation.references.frames import (
    PATIENT,
    sequences,
    static_names,
    unsequenced,
    visit_names,
)
from dpsynth.evaluation.references.library import metadata, sdv, seeded


def par(
    real: Tokens, codec: Codec, patients: int, *, seed: int = 0, epochs: int | None = None
) -> Tokens:
    """SDV's PAR, with its own settings, statics as the context of each sequence. No privacy.

    A sequence of it has a visit at least, so patients without any are left out of both sides.
    SDV draws statics with a seed of its own that can't be set: they are the same for each seed.
    See `Reference` for arguments and errors.

    Raises:
        InputError: if the schema has no visits.

    Reference: Zhang et al., Sequential models in the synthetic data vault, 2022.
    """
    if not codec.max_visits:
        raise InputError("the reference par needs visits; the schema has static columns alone")
    frame = sequences(real.take(np.flatnonzero(real.length)), codec)
    columns = [*static_names(codec), *visit_names(codec)]
    chosen = {} if epochs is None else {"epochs": epochs}
    with seeded(seed):
        model = sdv("sequential").PARSynthesizer(
            metadata(columns, key=PATIENT),
            context_columns=static_names(codec),
            cuda=False,
            **chosen,
        )
        model.fit({"rows": frame})
        length = codec.max_visits if codec.regular else None
        made = model.sample_sequences(patients, sequence_length=length)["rows"]
    return unsequenced(made, codec)
