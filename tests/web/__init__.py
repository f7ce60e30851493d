"""Tests of the HTTP side, against the application in this process."""
