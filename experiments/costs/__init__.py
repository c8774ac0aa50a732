"""What the learner costs: time, memory, storing, starting."""
