"""How the owners of datasets hand them out, and the layout that configs expect: one file per dataset."""
