"""One recurrent layer on a GPU, in Triton: the contract of :mod:`carrousel.ops.cpu`.

``cells`` is what one step does to a tile of rows and units; ``fused`` runs all steps of a layer in
one kernel whose weights stay where they are, ``alternating`` a product and a kernel for each step;
``layer`` picks one of them and does the products around it. Nothing here is imported before a
tensor on a GPU asks for it: Triton is not among what the package needs.
"""
