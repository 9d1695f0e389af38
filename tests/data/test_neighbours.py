"""One more patient, however odd, changes nobody else's records and stops nothing."""

import numpy as np
import pytest

from dpsynth.data.reader import read

COLUMNS = {
    "x": {"type": "number", "bounds": [0, 100], "bins": 4},
    "n": {"type": "count", "bounds": [0, 9]},
    "c": {"type": "category", "categories": ["ä", "1"], "other": True},
    "sex": {"type": "boolean", "per": "patient"},
}
BASE = (
    "pid,t,x,n,c,sex\n"
    "1,0,0.1,1,ä,1\n1,2,0.30000000000000004,2,1,\n2,1,99.9,3,zz,no\n10,0,,,,\n10,3,5e-324,9,1.0,Y\n"
).encode()
ODD = {
    "zeros": b"0,0,0,0,0,0\n",
    "huge": b"77,1e300,1e20,1e20,1e20,1e20\n",
    "infinite": b"77,inf,inf,-inf,inf,inf\n",
    "not numbers": b"77,nan,NaN,NA,null,None\n",
    "text for numbers": b"seventy-seven,noon,high,many,?,maybe\n",
    "other encoding": b"77,1,1,1,\xe4,1\n",
    "broken encoding": b"\xff\xfe,\x81,\x8d,\x8f,\x90,\x9d\n",
    "longest history": b"".join(b"77,%d,1,1,1,1\n" % t for t in range(500)),
    "doubled rows": b"77,1,1,1,1,1\n" * 50,
    "conflicting rows": b"77,1,1,1,1,1\n77,1,2,2,2,0\n",
    "empty history": b"77,,,,,\n",
    "formula": b"=cmd(),1,1,1,=1+1,1\n",
    "long text": b"77,1,1,1," + b"z" * 100_000 + b",1\n",
    "too many cells": b"77,1,1,1,1,1,1,1\n",
    "no key": b",1,1,1,1,1\n",
    "open quote": b'77,1,1,1,"a,1\n',
    "open quote behind a literal one": b'77,1,1,a"b,"c,1\n',
    "a quote and then more": b'77,1,1,1,"a"b"c,1\n',
    "quoted newline": b'77,1,1,1,"a\nb",1\n',
    "negative time": b"77,-1e9,1,1,1,1\n",
}


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_patient_changes_nobody_else(put, one_table, same, odd, place):
    head, rest = BASE.split(b"\n", 1)
    more = head + b"\n" + (ODD[odd] + rest if place == "first" else rest + ODD[odd])
    for kind in ("number", "order"):
        schema = one_table("visits", COLUMNS, time={"column": "t", "kind": kind})
        without, _ = read([put("x.csv", BASE)], schema)
        records, _ = read([put("x.csv", more)], schema)
        others = np.flatnonzero(np.isin(records.keys, without.keys))
        assert len(records) - len(others) <= 1
        same(records.take(others), without)
