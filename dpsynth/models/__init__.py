"""The models, by registry name. Adding one: a file, a test file, a line here."""

from dpsynth.models.base import Model
from dpsynth.models.dct_gaussian import DctGaussian
from dpsynth.models.dp_merf import DpMerf
from dpsynth.models.image_diffusion import ImageDiffusion
from dpsynth.models.image_gan import ImageGan
from dpsynth.models.independent import IndependentModel
from dpsynth.models.log_linear import LogLinear
from dpsynth.models.markov_model import MarkovModel
from dpsynth.models.table_diffusion import TableDiffusion
from dpsynth.models.table_gan import TableGan

RECORD_MODELS: dict[str, type[Model]] = {
    "table-diffusion": TableDiffusion,
    "log-linear": LogLinear,
    "table-gan": TableGan,
    "markov": MarkovModel,
    "independent": IndependentModel,
}
PICTURE_MODELS: dict[str, type[Model]] = {
    "image-diffusion": ImageDiffusion,
    "image-gan": ImageGan,
    "dct-gaussian": DctGaussian,
    "dp-merf": DpMerf,
}
MODELS = RECORD_MODELS | PICTURE_MODELS

__all__ = [
    "MODELS",
    "PICTURE_MODELS",
    "RECORD_MODELS",
    "DctGaussian",
    "DpMerf",
    "ImageDiffusion",
    "ImageGan",
    "IndependentModel",
    "LogLinear",
    "MarkovModel",
    "Model",
    "TableDiffusion",
    "TableGan",
]
