"""The reader of weights that runs nothing: containers, opcodes, storages, all within bounds."""
