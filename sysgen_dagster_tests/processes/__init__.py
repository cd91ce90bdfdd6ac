"""Tests of the processes that outlive the run that starts them."""
