"""Projects that hold a copy of mmseg with changes of their own: what is theirs in it runs over Segue's views.

`segue.reference.copies` reads such a copy and tells by content what is the project's own; `overlay` lets it be
imported.
"""
