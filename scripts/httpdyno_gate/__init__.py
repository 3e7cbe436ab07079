"""The regression gate: base and head of a server against each other."""
