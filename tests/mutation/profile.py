"""pytest's plugin for mutants: a property gets the same few examples for each of them."""

from hypothesis import settings

settings.register_profile(
    "mutants", database=None, deadline=None, derandomize=True, max_examples=25
)
settings.load_profile("mutants")
