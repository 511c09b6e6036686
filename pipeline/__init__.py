"""The engine: knows stages, products and receipts; never pixels or packets."""
