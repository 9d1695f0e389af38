"""A holdout by keyed hash: no patient moves another."""

import numpy as np
import pytest

from dpsynth.data.split import holdout

SECRET = b"0123456789abcdef"
KEYS = [str(i) for i in range(20_000)]


def test_adding_or_reordering_patients_moves_nobody():
    whole = dict(zip(KEYS, holdout(KEYS, 0.2, SECRET), strict=True))
    some = KEYS[::-3]
    assert [whole[k] for k in some] == list(holdout(some, 0.2, SECRET))


def test_the_rate_is_met():
    # Binomial(20000, 0.2): mean 4000, sd 56.6; 5 sd fail by chance in 6e-7 of all secrets.
    assert abs(holdout(KEYS, 0.2, SECRET).sum() - 4000) < 5 * 56.6


def test_a_lower_rate_holds_out_a_part_of_the_same_patients():
    small, large = (holdout(KEYS, rate, SECRET) for rate in (0.1, 0.3))
    assert (small <= large).all()


def test_another_secret_draws_another_holdout():
    one, two = (holdout(KEYS, 0.5, secret) for secret in (SECRET, SECRET[::-1]))
    # agreement of independent halves: Binomial(20000, 0.5), sd 70.7
    assert abs((one == two).sum() - 10_000) < 5 * 70.7


def test_a_known_value():
    # The side follows from the first 8 bytes of HMAC-SHA256(secret, key) as a share of 2^64.
    import hashlib
    import hmac

    share = int.from_bytes(hmac.new(SECRET, b"42", hashlib.sha256).digest()[:8], "big") / 2**64
    assert holdout(["42"], min(share + 1e-6, 0.999), SECRET)[0]
    assert not holdout(["42"], share - 1e-6, SECRET)[0]


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, np.nan])
def test_a_rate_outside_the_unit_interval_is_refused(rate):
    with pytest.raises(ValueError, match="rate must be in"):
        holdout(KEYS, rate, SECRET)


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="at least 16 bytes, got 3"):
        holdout(KEYS, 0.2, b"abc")
