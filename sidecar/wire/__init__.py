"""Wire formats, sans-io: the copy of an exchange's bytes goes in, an Exchange comes out.

Rules of this folder: no I/O, no clock, and no exception for any bytes whatever, since the
copy may be cut, encoded, broken or hostile. What cannot be read is counted in
``Exchange.parse_unknown`` and passed over. Nothing here quotes content.

A wire format is one file that offers ``FORMAT``; ``base.formats`` finds it.
"""
