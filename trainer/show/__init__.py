"""What happened inside a run: its records as charts on a terminal or as a sheet, and what they mean. No torch.

finding → panels → page (chart by chart) or sheet.
"""
