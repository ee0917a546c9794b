"""The application's page after a return, for people who walk the flow by hand."""

RETURNED_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Back at the application</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}</style>
</head><body><h1>You are back at the application</h1>
<p>Thank you. You can look at the terminal now: the next step is printed there.</p>
</body></html>
"""
