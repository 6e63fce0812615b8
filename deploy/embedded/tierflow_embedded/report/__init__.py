"""The report of a bank: one HTML file with plots that opens without a network."""
