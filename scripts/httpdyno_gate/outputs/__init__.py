"""A verdict in the formats that people, scripts, pull requests and CI servers read. None of them shows green but for PASS."""
