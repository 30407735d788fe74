"""Thin faces: parse, call an operation, render."""
