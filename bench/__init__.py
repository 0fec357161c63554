"""Measures the registry beside what it stands on and what others offer: `./dev bench`."""
