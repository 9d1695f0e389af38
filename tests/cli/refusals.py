"""What every refusal on the command line keeps to."""

from __future__ import annotations


def refused(place, dpsynth, *words, names, code=1):
    """One line that names what was wrong, that exit code, and not a file touched."""
    before = place.tree()
    done = dpsynth(*words)
    assert done.code == code, done.out
    assert len(done.err.splitlines()) == 1
    for name in names:
        assert name in done.err
    assert place.tree() == before
