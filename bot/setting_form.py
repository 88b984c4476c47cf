"""Where a setting says what its value must be, in words, if pydantic judges it."""

FORM = "form"
