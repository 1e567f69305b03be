"""What may go wrong, as data: when, where and what. Nothing here does anything; `net` carries it out."""
