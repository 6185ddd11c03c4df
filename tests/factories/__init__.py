"""Plain factories: one function per model, boring defaults, and `build_world()` for two whole tenants."""
