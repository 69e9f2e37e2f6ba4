"""What the commands do, from names to results: plan, prepare, train, measure, report."""
