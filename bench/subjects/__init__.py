"""What is measured, one file each: `load()` once, then `client(place)` in each client process gives the transfer to repeat."""
