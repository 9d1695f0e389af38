"""What is checked about the rows and the losses before anything is differentiated."""

from torch import Tensor

from dpsynth.errors import InputError


def count_patients(rows: tuple[Tensor, ...], views: int) -> int:
    """Return the number of patients in the rows, `views` rows each."""
    if not rows:
        raise InputError("rows is empty: give at least one tensor, (patients * views, ...)")
    if views < 1:
        raise InputError(f"views must be at least 1, got {views!r}")
    counts = {len(r) for r in rows}
    if len(counts) > 1:
        raise InputError("the tensors in rows differ in their first size: give each one row a view")
    if counts.copy().pop() % views:
        raise InputError(f"the number of rows is not a multiple of views={views}")
    return counts.pop() // views


def checked_losses(losses: Tensor, rows: int) -> Tensor:
    """Return the losses if there is one for each row."""
    if losses.shape != (rows,):
        raise InputError(
            "loss must return one value for each row, shape (rows,), "
            f"got {losses.ndim} dimensions: average over all but the first"
        )
    return losses
