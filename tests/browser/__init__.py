"""The person's side, in a real browser: Chromium against the whole local deployment.

What lives here
    ``chromium`` (where the browser is, or why these tests are skipped), ``visitor`` (a person in front
    of it), ``seen`` (what a browser asked for, remembers and complains about), ``gallery`` (every page
    of ours, without a deployment), ``accessibility`` (what axe and our own rules say of a page), and the
    tests: walks from the application's page to Metriport's and back, and how our pages look and behave.

What must not
    Sleeps: a test waits for what it wants to see. No page is fetched but by the browser.

Application, ingress and vendor are three sites to the browser, as in production: cookies that a browser
would not bring back from the vendor's site do not come back here either.
"""
