"""The systems of `striate reproduce`: models, data, training recipes and the figures reported for them."""
