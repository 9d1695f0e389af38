"""Public pictures: phantoms, folders and archives, in the frame of the patients'."""

import numpy as np
import pytest

from dpsynth.data import public_pictures as module
from dpsynth.data.phantoms import chest
from dpsynth.data.pictures import Labelled, write_images, write_npz
from dpsynth.data.public_pictures import public_pictures
from dpsynth.errors import DataError, InputError
from dpsynth.schema import Picture

GREY = Picture(file="file", size=16, window=(0, 4095))
COLOUR = Picture(file="file", size=24, channels=3)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(module, "PATIENTS", 120)


@pytest.mark.parametrize("source", ["chest", "skin"])
@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
def test_phantoms_come_in_the_patients_frame(source, picture):
    found = public_pictures(source, picture)
    assert found.shape[0] >= 120
    assert found.shape[1:] == (picture.size, picture.size, picture.channels)
    assert found.dtype == np.uint8
    assert found.std() > 10


def test_a_folder_is_read_to_the_bottom_with_all_its_shades(tmp_path):
    # The window of the patients' files, here 12 bits, would make 8-bit pictures black.
    made = chest(120, seed=3, size=28).images[:120]
    for place, part in (("a", made[:60]), ("b/c", made[60:])):
        write_images(part, tmp_path / place, [f"{i:03d}.png" for i in range(60)])
    (tmp_path / "notes.txt").write_text("not a picture")
    found = public_pictures(str(tmp_path), GREY)
    assert len(found) == 120
    assert found.mean() == pytest.approx(made.mean(), rel=0.05)


def test_of_an_archive_the_training_part_is_read(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (150, 28, 28)).astype(np.uint8)
    held = {
        "train": Labelled(images=images[:100], labels=np.zeros((100, 1), dtype=np.uint8)),
        "test": Labelled(images=images[100:], labels=np.zeros((50, 1), dtype=np.uint8)),
    }
    path = write_npz(held, tmp_path / "public.npz")
    assert public_pictures(str(path), GREY).shape == (100, 16, 16, 1)


def test_what_is_no_source_is_refused(tmp_path):
    with pytest.raises(InputError, match="no public pictures 'knee'"):
        public_pictures("knee", GREY)
    with pytest.raises(InputError, match="0 pictures are too few to learn from first; give 100"):
        public_pictures(str(tmp_path), GREY)
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(DataError, match=r"torn\.png"):
        public_pictures(str(tmp_path), GREY)
