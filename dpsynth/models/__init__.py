"""The models, by registry name. Adding one: a file, a test file, a line here."""

from dpsynth.models.base import Model
from dpsynth.models.independent import IndependentModel
from dpsynth.models.markov_model import MarkovModel
from dpsynth.models.table_diffusion import TableDiffusion

MODELS: dict[str, type[Model]] = {
    "table-diffusion": TableDiffusion,
    "markov": MarkovModel,
    "independent": IndependentModel,
}

__all__ = ["MODELS", "IndependentModel", "MarkovModel", "Model", "TableDiffusion"]
