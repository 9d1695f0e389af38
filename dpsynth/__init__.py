"""Differentially private synthetic data for medicine: longitudinal records and images."""

__version__ = "0.1.0"
