"""The program ``ftpfixture``: servers, recordings and faults from the command line."""
