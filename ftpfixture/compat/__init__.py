"""Constants and helpers of aioftp that this package itself hardly uses.

One rule: nothing here knows the rest of the package. Users import the names from `ftpfixture.common` and
`ftpfixture.pathio`, which have the module names of aioftp.
"""
