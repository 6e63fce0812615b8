"""Suitability 适当性: a sale is confirmed only if the product suits the customer, and every reason is kept."""
