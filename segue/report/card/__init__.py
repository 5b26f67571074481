"""The report card of a model: what one pass over labeled images tells, as one page, and several of them compared."""
