"""Engines: what runs a network, and what they share."""
