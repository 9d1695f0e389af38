"""MedMNIST's layout: round trips, and archives that are refused before they are inflated."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from dpsynth.data.pictures import Labelled, Limits, read_npz, write_npz

IMAGES = np.arange(5 * 28 * 28, dtype=np.uint32).reshape(5, 28, 28).astype(np.uint8)
COLOUR = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
LABELS = np.array([[0], [1], [1], [0], [2]], dtype=np.uint8)


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def header_only(shape, descr="|u1"):
    """A .npy file that says a shape and holds nothing."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return out.getvalue()


@pytest.fixture
def archive(tmp_path):
    """Write a zip of members: name to bytes, or to an array."""

    def write(name="x.npz", how=zipfile.ZIP_DEFLATED, **members):
        members = {"train_images": IMAGES, "train_labels": LABELS, **members}
        with zipfile.ZipFile(tmp_path / name, "w", how) as held:
            for key, what in members.items():
                if what is not None:
                    raw = npy(what) if isinstance(what, np.ndarray) else what
                    held.writestr(key if "." in key else f"{key}.npy", raw)
        return tmp_path / name

    return write


def test_splits_come_back(tmp_path):
    made = {
        "train": Labelled(images=IMAGES, labels=LABELS),
        "test": Labelled(images=COLOUR, labels=np.array([[3], [4]])),
    }
    path = write_npz(made, tmp_path / "new" / "x.npz")
    found = read_npz(path, ("train", "test"))
    assert list(found) == ["train", "test"]
    for split, held in made.items():
        np.testing.assert_array_equal(found[split].images, held.images)
        np.testing.assert_array_equal(found[split].labels, held.labels)
    assert [each.name for each in path.parent.iterdir()] == ["x.npz"]


def test_what_numpy_writes_is_read(tmp_path, refused):
    path = tmp_path / "x.npz"
    for save in (np.savez, np.savez_compressed):
        save(path, train_images=IMAGES, train_labels=LABELS, val_images=np.zeros(3), extra=LABELS)
        found = read_npz(path)
        np.testing.assert_array_equal(found["train"].images, IMAGES)
    line = refused("x.npz", lambda: read_npz(path, ("val",)))
    assert "has no val_labels" in line


def test_fortran_order_is_read(archive):
    path = archive(train_images=np.asfortranarray(IMAGES))
    np.testing.assert_array_equal(read_npz(path)["train"].images, IMAGES)


def test_several_labels_for_a_picture(archive):
    several = np.eye(5, dtype=np.int64)
    found = read_npz(archive(train_labels=several))
    np.testing.assert_array_equal(found["train"].labels, several)


def test_constant_labels_may_compress_a_thousandfold(archive):
    many = np.zeros((200_000, 1), np.uint8)
    path = archive(train_images=np.zeros((200_000, 2, 2), np.uint8), train_labels=many)
    with zipfile.ZipFile(path) as held:
        info = held.getinfo("train_labels.npy")
    assert info.file_size / info.compress_size > Limits().ratio
    assert len(read_npz(path)["train"].labels) == 200_000


class Evil:
    """Unpickling it would raise."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"train_images": np.array([1, None], dtype=object)}, "must be of type uint8, got object"),
        ({"train_labels": np.array([[None]] * 5)}, "must be whole numbers, got type object"),
        ({"train_images": pickle.dumps(Evil())}, "is not a readable .npz file"),
        ({"train_labels": np.zeros((5, 1))}, "must be whole numbers, got type float64"),
        ({"train_labels": np.array([["a"]] * 5)}, "must be whole numbers"),
        ({"train_labels": np.zeros(5, np.uint8)}, r"must be of shape (n, 1), got (n,)"),
        ({"train_labels": np.zeros((4, 1), np.uint8)}, "not one label for each picture"),
        ({"train_images": IMAGES.astype(np.float32)}, "must be of type uint8, got float32"),
        ({"train_images": np.zeros((5, 8, 8, 4), np.uint8)}, "got (n, 8, 8, 4)"),
        ({"train_images": np.zeros((5, 8, 8, 8), np.uint8)}, "got (n, 8, 8, 8)"),
        ({"train_images": np.zeros((5, 0, 8), np.uint8)}, "must not be empty"),
        ({"train_images": None}, "has no train_images"),
        ({"train_labels": None}, "has no train_labels"),
        ({"train_images": header_only((10**9, 10**6, 10**6))}, "is not as long as it says"),
        ({"train_images": header_only((2**62, 4, 4))}, "is not as long as it says"),
        ({"train_images": header_only((5, -8, 8))}, "must not be empty"),
        ({"train_images": npy(IMAGES)[:-1]}, "is not as long as it says"),
        ({"train_images": npy(IMAGES) + b"more"}, "is not as long as it says"),
        ({"train_images": b""}, "is not a readable .npz file"),
        ({"train_images": b"\x93NUMPY\x03\0" + b"\xff" * 90}, "is not a readable .npz file"),
        ({"train_images": b"\x93NUMPY\x01\0\xff\xff" + b"(" * 65535}, "is not a readable"),
        ({"../../evil.npy": LABELS}, "has a member outside its folder"),
        ({"/etc/evil.npy": LABELS}, "has a member outside its folder"),
        ({"..\\evil.npy": LABELS}, "has a member outside its folder"),
        ({f"m{i}": b"x" for i in range(65)}, "has over 64 members"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_wrong_archives_are_one_line(archive, refused, members, says):
    path = archive(**members)
    assert says in refused("x.npz", lambda: read_npz(path))


def test_a_zip_bomb_is_refused_by_its_directory(archive, refused, monkeypatch):
    bomb = np.zeros((400, 256, 256), np.uint8)
    path = archive(train_images=bomb)
    assert path.stat().st_size < 10**6
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # nothing is inflated
    assert "would inflate over 200 times" in refused("x.npz", lambda: read_npz(path))


def test_a_directory_that_lies_inflates_no_more_than_it_says(archive, refused):
    # The directory says 1,000 bytes; the member holds 26 million.
    path = archive(train_images=np.zeros((400, 256, 256), np.uint8))
    raw = path.read_bytes()
    true = len(npy(np.zeros((400, 256, 256), np.uint8))).to_bytes(4, "little")
    path.write_bytes(raw.replace(true, (1000).to_bytes(4, "little")))
    refused("x.npz", lambda: read_npz(path))
    with zipfile.ZipFile(path) as held, pytest.raises(zipfile.BadZipFile):
        held.read("train_images.npy")


def test_members_of_one_name_are_refused(archive, refused):
    path = archive()
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(path, "a") as held,
    ):
        held.writestr("train_labels.npy", npy(LABELS))
    assert "two members of one name" in refused("x.npz", lambda: read_npz(path))


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(archive, refused, how):
    path = archive(how=how)
    assert "packed as numpy does not" in refused("x.npz", lambda: read_npz(path))


def test_limits_of_size(archive, refused):
    path = archive()
    line = refused("x.npz", lambda: read_npz(path, limits=Limits(npz_bytes=3000)))
    assert "inflate over 3,000 bytes" in line
    line = refused("x.npz", lambda: read_npz(path, limits=Limits(npz_bytes=10)))
    assert "larger than 10 bytes" in line


@pytest.mark.parametrize("raw", [b"", b"PK", b"PK\x03\x04" + b"\0" * 99, b"text", npy(IMAGES)])
def test_what_is_no_archive_is_one_line(put, refused, raw):
    path = put("x.npz", raw)
    refused("x.npz", lambda: read_npz(path))


def test_truncated_and_flipped_archives_are_one_line(archive, refused):
    path = archive()
    raw = path.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        path.write_bytes(raw[: int(len(raw) * share)])
        refused("x.npz", lambda: read_npz(path))
    middle = len(raw) // 4
    path.write_bytes(
        raw[:middle] + bytes(each ^ 255 for each in raw[middle : middle + 9]) + raw[middle + 9 :]
    )
    refused("x.npz", lambda: read_npz(path))


def test_a_folder_or_nothing(tmp_path, refused):
    (tmp_path / "x.npz").mkdir()
    assert "is not a file" in refused("x.npz", lambda: read_npz(tmp_path / "x.npz"))
    assert "no such file" in refused("y.npz", lambda: read_npz(tmp_path / "y.npz"))


def test_arguments_are_checked(tmp_path):
    with pytest.raises(ValueError, match="split must be one of train, val, test, got 'all'"):
        read_npz(tmp_path / "x.npz", ("all",))
    good = Labelled(images=IMAGES, labels=LABELS)
    with pytest.raises(ValueError, match="split must be one of"):
        write_npz({"../x": good}, tmp_path / "x.npz")
    with pytest.raises(ValueError, match="equally many"):
        Labelled(images=IMAGES, labels=LABELS[:2])
    with pytest.raises(ValueError, match="images must be of type uint8"):
        Labelled(images=IMAGES.astype(float), labels=LABELS)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Exception, match="can't be written: a file is in the way; choose another"):
        write_npz({}, tmp_path / "file" / "x.npz")
