"""Tests with input made to do harm, or that no one meant to give."""
