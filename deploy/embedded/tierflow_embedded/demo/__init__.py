"""The demo: a bank's two years in half a minute."""
