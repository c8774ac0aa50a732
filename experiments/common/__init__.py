"""What several rooms share: tables in TOML, pictures, a process seen from outside."""
