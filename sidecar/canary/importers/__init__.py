"""Published benchmarks, and other tools' files, into suites.

Rules of this folder
* Text that was published counts as known to every model: what is written is always ``public``.
* Nothing is followed: no address, no file that a file names. Nothing in a file is run.
* A row is taken whole or not at all; one that is not taken is counted, with its reason.
* Messages name file, line and column, and never hold a row's text.
* Columns that are not asked are kept in the family's ``meta``.

A format is one file that offers ``IMPORTER``; ``base.importers`` finds it.
"""
