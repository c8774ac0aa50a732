"""streamml: a streaming on-line multi-label learner."""
