"""What must not change or break: pinned figures, stored states, river's checks, fuzz, mutants."""
