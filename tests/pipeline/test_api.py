"""The library's face: what is promised is what is visible."""

from __future__ import annotations

import importlib
import inspect

import pytest

from dpsynth import pipeline


def test_all_is_what_is_visible():
    assert dir(pipeline) == sorted(pipeline.__all__)
    ours = {
        name
        for name, value in vars(pipeline).items()
        if callable(value) and str(getattr(value, "__module__", "")).startswith("dpsynth")
    }
    assert {name for name in ours if not name.startswith("_")} <= set(pipeline.__all__)


def test_the_demo_is_a_function_and_not_the_file_of_its_name():
    importlib.import_module("dpsynth.pipeline.demo")
    assert inspect.isfunction(pipeline.demo)


@pytest.mark.parametrize("name", pipeline.__all__)
def test_every_function_says_what_it_does_and_is_typed(name):
    function = getattr(pipeline, name)
    assert inspect.isfunction(function)
    assert inspect.getdoc(function)
    signature = inspect.signature(function)
    kinds = [*(p.annotation for p in signature.parameters.values()), signature.return_annotation]
    assert inspect.Parameter.empty not in kinds


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="transmogrify"):
        _ = pipeline.transmogrify
