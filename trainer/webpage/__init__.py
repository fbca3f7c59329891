"""A comparison as one page for a browser: `train report`. Everything is inside the file, so that it can be mailed or kept.

command → page (with facts and picture) → elements.
"""
