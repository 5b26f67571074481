"""The config language: Python files, YAML and JSON interpreted from their syntax, within budgets, never executed."""
