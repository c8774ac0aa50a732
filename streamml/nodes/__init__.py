"""What scores the labels of a cluster: one file per idea, kernels over plain arrays."""
