"""For tests, ours and those of others: the stage contract, fault injectors, comparators."""
