"""Many machines: Ray datasets, ensemble members on workers, one network on several (gloo)."""
