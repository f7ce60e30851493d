"""Clients of other people: each must come back by itself, and lose and repeat nothing."""
