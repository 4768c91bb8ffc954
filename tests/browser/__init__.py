"""The desk in a real browser: Debian's Chromium, a real daemon, nothing from outside."""
