"""Picture files to arrays of one size, and arrays to picture files; no schema is known here.

    PNG, JPEG, TIFF   read_raster     write_images
    DICOM             read_dicom      write_dicoms      extra `dicom`
    .npz (MedMNIST)   read_npz        write_npz
    a table's names   read_pictures
    one picture       framed
    many pictures                     contact_sheet

Whatever a file holds, a reader returns numbers or raises one line of `DataError`.
"""

from dpsynth.data.pictures.dicom import Dicom, read_dicom
from dpsynth.data.pictures.dicom_writer import write_dicoms
from dpsynth.data.pictures.folder import Pictures, read_pictures
from dpsynth.data.pictures.frame import Frame, framed
from dpsynth.data.pictures.limits import LIMITS, Limits
from dpsynth.data.pictures.npz import Labelled, read_npz, write_npz
from dpsynth.data.pictures.raster import read_raster
from dpsynth.data.pictures.sheet import contact_sheet
from dpsynth.data.pictures.writer import write_images

__all__ = [
    "LIMITS",
    "Dicom",
    "Frame",
    "Labelled",
    "Limits",
    "Pictures",
    "contact_sheet",
    "framed",
    "read_dicom",
    "read_npz",
    "read_pictures",
    "read_raster",
    "write_dicoms",
    "write_images",
    "write_npz",
]
