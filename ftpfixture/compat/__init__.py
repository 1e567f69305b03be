"""Constants and helpers that users of aioftp know, and little of ours needs.

One rule: nothing here knows the rest of the package. Users find the names in `ftpfixture.common` and
`ftpfixture.pathio`, which keep aioftp's names for modules, because programs import from them.
"""
