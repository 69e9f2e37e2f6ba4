"""The systems of `striate reproduce`: which model, data, recipe, reported figure."""
