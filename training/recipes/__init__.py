"""One seeded recipe for each model that ships: data in, weights and card out."""
