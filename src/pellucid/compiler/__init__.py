"""Equations to machine code: loop nests, their schedules, LLVM.  Knows nothing of layers or networks."""
