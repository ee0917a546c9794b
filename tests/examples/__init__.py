"""The examples under ``deploy/examples`` run as they stand."""
