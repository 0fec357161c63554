"""Links between registries over HTTP."""
