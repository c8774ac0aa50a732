"""The multi-label Hoeffding adaptive tree: arrays, gains, drift, and what walks them."""
