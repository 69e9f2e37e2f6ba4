"""A classifier on top of a network that was trained on a million photographs: its features, a linear head, doubt."""
