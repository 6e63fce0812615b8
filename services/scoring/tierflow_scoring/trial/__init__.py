"""A trial: the whole log read into another policy set, beside the live scoring and without a word to others."""
