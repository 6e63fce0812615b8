"""Who should be contacted, when, why, by whom and how: contact planning for relationship managers."""
