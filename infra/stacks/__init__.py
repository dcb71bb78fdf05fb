"""Stacks: each wires components and gives its functions their grants."""
