"""What the four Tierflow services share: contracts, the bus, the unit of work, and the HTTP edge."""
