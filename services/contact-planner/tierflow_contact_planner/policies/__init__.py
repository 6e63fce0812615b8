"""Contact policies: versioned TOML files, read by `adapters.policy_files`."""
