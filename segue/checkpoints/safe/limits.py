"""What one file may cost while it is read: opcodes, objects and bytes, all counted before they are spent.

A pickle of a few bytes can ask for gigabytes (``bytearray(10**12)``), for 2**50 visits (a list that holds a list twice,
fifty levels deep) or for one dictionary whose keys all collide. The reader therefore pays for each step from a budget
that grows with the file, so that a hostile file costs about as much as an honest file of its size: twice that and
BASE_MEMORY. An allowance is needed because Python's objects are larger than what spells them (a number of 9 bytes takes
32), and honest files of a few kB hold many of them; in a large file the tensors, which cost what they say, leave room.
"""

from __future__ import annotations

from segue.errors import CheckpointError

MAX_OPCODES = 10_000_000
MAX_STRING = 256 << 20  # one text or bytes object; the largest honest one is a history buffer of some 16 MB
MAX_STACK = 1_000_000
MAX_DEPTH = 200
MAX_TUPLE_KEYS = 10_000  # tuples hash without a secret, so keys that collide can be constructed
BASE_MEMORY = 16 << 20
BASE_VIEWS = 64 << 20  # tensors that share storages take no memory until somebody copies them


class Budget:
    """Counts what reading ``where`` (a file of ``size`` bytes) has cost so far, and words the refusals."""

    def __init__(self, where: str, size: int) -> None:
        self.where = where
        self.size = size
        self.memory = BASE_MEMORY + 2 * size
        self.view_bytes = BASE_VIEWS + 8 * size
        self.unfolded = BASE_MEMORY + 2 * size
        self.unfolded_tensors = BASE_VIEWS + 8 * size
        self.opcodes = 0
        self.tuple_keys = 0

    def charge(self, cost: int) -> None:
        """Pay for ``cost`` bytes of memory; a negative cost gives back what was freed."""
        self.memory -= cost
        if self.memory < 0:
            raise self.refused("describes far more objects than a file of its size can honestly hold")

    def charge_view(self, cost: int) -> None:
        """Pay for a tensor of ``cost`` bytes: shared storage was paid once, but those who copy the tensors pay more."""
        self.view_bytes -= cost
        if self.view_bytes < 0:
            raise self.refused("declares tensors many times larger than the file")

    def unfold(self, cost: int) -> None:
        """Count text, bytes or an array of ``cost`` bytes once more: for each place of the object that it stands at.

        Whoever prints or writes the object pays for each of them, however the file shares them.
        """
        self.unfolded -= cost
        if self.unfolded < 0:
            raise self.refused("repeats its contents until they are many times larger than the file")

    def unfold_tensor(self, cost: int) -> None:
        """The same for a tensor; weights have a limit of their own (see `unfold_weights`)."""
        self.unfolded_tensors -= cost
        if self.unfolded_tensors < 0:
            raise self.refused("repeats its tensors until they are many times larger than the file")

    def unfold_weights(self, total: int) -> None:
        """The size of all weights, each counted in full: what loading, converting and checking them handles."""
        if total > BASE_MEMORY + 2 * self.size:
            raise self.refused("repeats its weights until they are many times larger than the file")

    def refused(self, what: str) -> CheckpointError:
        """The file is well formed, and asks for something that is never done."""
        return CheckpointError(f"{self.where} {what}, so it was not read; ask its author for a safetensors file.")

    def damaged(self, what: str) -> CheckpointError:
        """The file contradicts itself."""
        return CheckpointError(f"{self.where} is damaged: {what}; download or copy it again.")
