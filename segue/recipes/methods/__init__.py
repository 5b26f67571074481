"""One file per method.

A file has ``decode_head(net)``, the method's head on a backbone; the method is then written ``{method}_{backbone}`` and
has the usual auxiliary head. A method that needs more has ``recipe(ask)`` and reads the parts of the name itself.
"""
