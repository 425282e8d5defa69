"""The demonstration: a small migration with real images, real processes and a real database."""
