"""The commands, one group class for each family of the standards; a new verb is one method in one of them."""
