"""A linear model of many fixed features that answers beside the networks.

Where few sequences are learned from, features that nobody trained, read by a ridge regression, are
as good as networks or better (Dempster, Schmidt & Webb 2021 of numbers; Wang & Manning 2012 of
texts), and they err elsewhere. How much of the answer is theirs is found on what was held out.
"""
