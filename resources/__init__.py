"""Import and export resources, one module per noun."""
