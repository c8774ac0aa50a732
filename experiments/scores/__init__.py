"""What the learner scores: accuracy, and what its clusters, tree and weights are worth."""
