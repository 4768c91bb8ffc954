"""Folder ▶ alerts: takes articles in, tags them, and sees every alert through to its receiver."""
