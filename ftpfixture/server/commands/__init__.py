"""The commands, one group class per family of the standards; a new verb is one method in one of them."""
