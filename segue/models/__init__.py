"""Wiring: how backbone, neck and heads make a model. No numerics of their own."""
