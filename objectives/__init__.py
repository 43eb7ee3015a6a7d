"""The pure mathematics of Tradespace: search spaces, Pareto fronts, Gaussian processes, suggestions. No I/O, no
clock."""
