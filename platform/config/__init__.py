"""The house's wiring: knobs, database, settings, URLs. Imported by entry points only."""
