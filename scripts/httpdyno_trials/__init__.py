"""The trial behind scripts/slow_clients.py: attack a server with slow clients, watch it, and report how it did."""
