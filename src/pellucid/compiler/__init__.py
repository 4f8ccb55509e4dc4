"""Equations to machine code: loop nests, their schedules, LLVM.  Knows nothing of layers or networks.

A map of the room, in the order in which it is best read.

From equations to loop nests:

* `equations`: a network's equations as one list, every tensor under a name of its own;
* `nest`: what a loop nest is;
* `lower`: an equation as nests;  `remainders`, `digits` and `conditions` rid them of divisions and of
  questions whose answer is known;
* `aliases`, `hoist`, `fuse`, `immediate`: nests that only rename left out, long functions stored that would
  be worked out repeatedly, nests over the same cells made one, parameters changed where their gradients are
  computed.

Storage and schedules:

* `plan`: a whole pass, from its equations to nests with storage and schedules;
* `layout`, `storage`, `placement`, `lifetimes`: what a stored tensor is, in which order its axes lie, where
  in the buffers it lies, and what may share a place;
* `merge`: loops without gaps in storage made one;
* `schedule`, `tiles`: along which letter vectors lie, and which cells are worked on at once, in registers;
* `share`: how much of the work that leaves outside of vectors.

Code:

* `kernel`: a scheduled nest as a function;  `writer`, `position`, `indices`, `memory`, `values` and
  `reductions` are its parts, in this order, and `module` is what it is written into;
* `prove`: that no access leaves its tensor;
* `elementary`: exp, log, tanh and their like;
* `driver`, `inference`: the loops around a pass, in a training and in a prediction;  `context`, `rows`,
  `masks` and `loops` are what they are given and what they call.

Machines:

* `machine`, `targets`: LLVM's text made code for this processor, or for another one to be read;
* `cache`, `provenance`: code kept on disk, and what it depends on.
"""
