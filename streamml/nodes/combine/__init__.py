"""What makes one decision of many scores: mixture, links, thresholds, label sets."""
