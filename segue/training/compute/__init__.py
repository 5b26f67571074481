"""How a step is computed: precision, compilation, the layout of memory, what the backward pass keeps, its batch."""
