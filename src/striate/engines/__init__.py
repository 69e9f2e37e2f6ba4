"""Engines, which run and train networks, and the parts they share."""
